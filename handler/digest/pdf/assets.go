package pdf

import (
	"bytes"
	"embed"
	"fmt"
	"io"

	"github.com/carlos7ags/folio/font"
	"github.com/klauspost/compress/gzip"
)

// assets are the Go fonts (golang.org/x/image/font/gofont), packed to half of what those packages add to a program, and the
// ICC profile of sRGB as package folio/document writes it. A test holds each to where it is from.
//
//go:embed assets
var assets embed.FS

func asset(name string) ([]byte, error) {
	data, err := assets.ReadFile("assets/" + name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

func fontNamed(name string) (font.Face, error) {
	packed, err := asset(name + ".ttf.gz")
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack font: %w", err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack font: %w", err)
	}
	return font.ParseFont(data) //nolint:wrapcheck // names the font
}
