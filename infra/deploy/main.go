// Command deploy brings Auditbell into Azure and keeps it up to date: `make deploy`, or the released program
// auditbell-deploy, which needs no Go.
//
// It runs one list of steps (steps.go), each of which first looks at what is there. So it can be stopped or killed
// anywhere and run again. It remembers nothing but the choices that it writes to auditbell.auto.tfvars.json: the stage
// is read from Azure. It uses the programs az, tofu or terraform, and func, and Azure Resource Manager; it is not for what
// the Terraform module does better, and creates no resource but a resource group to try the result.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "dev"

// flags are the command's arguments.
type flags struct {
	Infra            string           `default:"infra/examples/minimal" type:"path" help:"Folder whose main.tf calls the module."`
	Tool             string           `help:"tofu or terraform. Default: the one that the folder was initialised with, else the one that is installed, tofu first."`
	Zip              string           `type:"path" help:"Released auditbell zip to publish. Default: build one, which needs Go."`
	ThroughArm       bool             `help:"Publish without func: upload to the deployment site, and never open the app to this machine."`
	PublisherAddress []string         `name:"publisher-address" help:"Address or range that may call the app while it is published. Default: the one that the app sees. Repeat for several."`
	AlertEmail       []string         `name:"alert-email" help:"Address that Azure Monitor mails when Auditbell does not work. Kept for the next run. Repeat for several."`
	Operator         []string         `name:"operator" help:"Entra object id of who may write the secrets. Kept for the next run. Default: you."`
	Yes              bool             `short:"y" help:"Do not ask before changes are applied."`
	NoTry            bool             `name:"no-try" help:"End without making and deleting a resource group to cause the first message."`
	Destroy          bool             `help:"Stop delivery, take the locks off, and remove everything."`
	Version          kong.VersionFlag `help:"Print the version."`

	ARM   string        `hidden:"" name:"arm" env:"AUDITBELL_ARM" default:"https://management.azure.com"`
	Pause time.Duration `hidden:"" name:"pause" env:"AUDITBELL_PAUSE" default:"5s"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		fmt.Fprintln(os.Stderr, "Run the same command again to go on from here.")
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var f flags
	parser, err := kong.New(&f, kong.Name("auditbell-deploy"), kong.Vars{"version": version},
		kong.Description("Bring Auditbell into Azure: apply, publish, deliver, check. It can be run again at any point."))
	if err != nil {
		return fmt.Errorf("describe flags: %w", err)
	}
	if _, err := parser.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	d, err := open(f)
	if err != nil {
		return err
	}
	steps := deploySteps
	if f.Destroy {
		steps = destroySteps
	}
	return d.run(ctx, steps)
}

// step is one thing to do. It looks first and does what is left to do.
type step struct {
	title string
	do    func(*deployment, context.Context) error
}

// run does the steps in their order and stops at the first that fails.
func (d *deployment) run(ctx context.Context, steps []step) error {
	for i, s := range steps {
		d.say("\n== %d of %d: %s", i+1, len(steps), s.title)
		if err := s.do(d, ctx); err != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return fmt.Errorf("%s: stopped", s.title)
			}
			return fmt.Errorf("%s: %w", s.title, err)
		}
	}
	return nil
}

func (d *deployment) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, strings.TrimRight(format, "\n")+"\n", args...)
}
