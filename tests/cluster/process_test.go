package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProcess(t *testing.T) {
	for _, tt := range []struct {
		name, script, in string
		tty              bool
		out, err         string
		code             int
	}{
		{name: "streams apart", script: "echo out; echo err >&2; exit 3", out: "out\n", err: "err\n", code: 3},
		{name: "stdin to its end", script: "cat", in: "hello", out: "hello"},
		{name: "terminal", script: "tty >/dev/null && echo yes >&2", tty: true, out: "yes\r\n"},
		{name: "signal", script: "kill -9 $$", code: 137},
		{name: "child that holds the output", script: "sleep 60 & echo done", out: "done\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			m := podMark(t.Name())
			p, err := startProcess(processSpec{
				argv: []string{"sh", "-c", tt.script}, env: append(os.Environ(), string(m)), dir: t.TempDir(),
				tty: tt.tty, stdin: tt.in != "", stdout: &stdout, stderr: &stderr,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer m.sweep()
			if tt.in != "" {
				io.WriteString(p.input, tt.in)
				p.input.Close()
			}
			code, err := p.wait()
			if err != nil || code != tt.code || stdout.String() != tt.out || stderr.String() != tt.err {
				t.Errorf("code %d (%v), stdout %q, stderr %q", code, err, stdout.String(), stderr.String())
			}
		})
	}
}

func TestMarkSweepFindsProcessesThatLeftTheirGroup(t *testing.T) {
	m := podMark(t.Name())
	dir := t.TempDir()
	p, err := startProcess(processSpec{argv: []string{"sh", "-c", "setsid sleep 60 & echo $! >pid; wait"}, env: append(os.Environ(), string(m)), dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(m.processes()) < 2 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	p.signal(syscall.SIGKILL)
	p.wait()
	m.sweep()
	time.Sleep(50 * time.Millisecond)
	if left := m.processes(); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
}

func TestCRILog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.log")
	log, err := newCRILog(path)
	if err != nil {
		t.Fatal(err)
	}
	out := log.stream("stdout")
	io.WriteString(out, "one\ntw")
	io.WriteString(log.stream("stderr"), "bad\n")
	io.WriteString(out, "o\nrest")
	log.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(data)) {
		_, entry, _ := strings.Cut(line, " ")
		got = append(got, strings.TrimSuffix(entry, "\n"))
	}
	want := "stdout F one|stderr F bad|stdout F two|stdout P rest"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
