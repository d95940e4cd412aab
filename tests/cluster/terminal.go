package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// terminal is where people read: the standard error that the process was started with.
var terminal = os.Stderr

// logTo sends everything that the process prints on standard error, panics included, to a file.
// Kubernetes and etcd log there; terminal stays what it was.
func logTo(path string) error {
	kept, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return fmt.Errorf("keep standard error: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.Dup3(int(file.Fd()), 2, 0); err != nil {
		return fmt.Errorf("redirect standard error: %w", err)
	}
	terminal = os.NewFile(uintptr(kept), "terminal")
	return nil
}

// lastLines returns the end of a file, for error messages.
func lastLines(path string, count int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
