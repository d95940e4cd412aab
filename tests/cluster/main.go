// Command kubegate-test-cluster is a whole Kubernetes in one process, for tests and for the demo:
// embedded etcd, the real kube-apiserver, the controllers that people notice when they are missing,
// and a small kubelet that runs containers as local processes.
//
// Its second subcommand, requestinfo, prints what the API server's own request parser makes of a
// request line: the oracle for Kubegate's parser.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"k8s.io/component-base/version"
)

const usage = `usage:
  kubegate-test-cluster serve --dir DIR [--port 0] [--audit-log FILE] [--exit-with-parent]
  kubegate-test-cluster requestinfo < lines of {"method","url"} > lines of attributes
  kubegate-test-cluster version
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	switch err := run(os.Args[1], os.Args[2:]); {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(terminal, "kubegate-test-cluster: %v\n", err)
		os.Exit(1)
	}
}

// run does what the named subcommand asks for.
func run(command string, args []string) error {
	switch command {
	case "serve":
		options, err := parseServeFlags(args)
		if err != nil {
			return err
		}
		return serve(options)
	case "requestinfo":
		return describeRequests(os.Stdin, os.Stdout)
	case "version":
		fmt.Println(version.Get().GitVersion)
		return nil
	case "-h", "--help", "help":
		fmt.Print(usage)
		return nil
	default:
		return fmt.Errorf("unknown command %q\n%s", command, usage)
	}
}

// parseServeFlags reads the flags of serve; a flag error has been printed when it returns.
func parseServeFlags(args []string) (serveOptions, error) {
	var o serveOptions
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "directory of all files; made when missing, continued when it holds a cluster")
	flags.IntVar(&o.port, "port", 0, "port of the API server on 127.0.0.1; 0 finds a free one")
	flags.StringVar(&o.auditLog, "audit-log", "", "audit log, JSON lines (default DIR/audit.log)")
	flags.BoolVar(&o.exitWithParent, "exit-with-parent", false, "end when the parent process ends")
	if err := flags.Parse(args); err != nil {
		return o, flag.ErrHelp
	}
	if o.dir == "" || flags.NArg() > 0 {
		flags.Usage()
		return o, flag.ErrHelp
	}
	return o, nil
}
