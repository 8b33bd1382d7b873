// Command resetbot helps employees who forgot their password. See the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// garbage is how much more than what is in use the heap may grow to, in percent. Of a
// few megabytes the usual 100 is so little that a busy service would spend a fifth of
// its time on collecting. Towards roomy, in bytes, it collects more. GOGC and
// GOMEMLIMIT in the environment say otherwise.
const (
	garbage = 400
	roomy   = 256 << 20
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(roomy)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: what it reads, what it writes, and how it ends. An
// error is one sentence on stderr and the exit code 1.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := &cobra.Command{
		Use:           "resetbot",
		Short:         "A chat bot through which employees reset a forgotten password",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetArgs(spelled(args))
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	root.AddCommand(demoCommand(), chatCommand(), serveCommand(),
		auditCommand(), caseCommand(), keysCommand(), unfreezeCommand(), breachedCommand(), manifestCommand())
	err := root.ExecuteContext(ctx)
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return 0
	}
	_, _ = fmt.Fprintf(errs, "resetbot: %v\n", err) // nothing is left to say it with otherwise
	return 1
}

// spelled takes -config for --config: it is what everybody types.
func spelled(args []string) []string {
	list := slices.Clone(args)
	for i, arg := range list {
		if arg == "-config" || strings.HasPrefix(arg, "-config=") {
			list[i] = "-" + arg
		}
	}
	return list
}
