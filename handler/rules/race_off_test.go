//go:build !race

package rules_test

const racing = false
