package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// outputDelay is how long output is read on after a process has ended while its children still hold it.
const outputDelay = 500 * time.Millisecond

// processSpec is a process to start.
type processSpec struct {
	argv, env      []string
	dir            string
	tty            bool // a terminal of its own; stderr is then part of stdout
	stdin          bool
	stdout, stderr io.Writer // nil discards
}

// process is a started process in a process group of its own.
type process struct {
	cmd      *exec.Cmd
	terminal *os.File // the master side; nil without a terminal
	input    io.WriteCloser
	copied   sync.WaitGroup
}

// startProcess starts a process. It is killed when this process dies.
func startProcess(spec processSpec) (*process, error) {
	cmd := exec.Command(spec.argv[0], spec.argv[1:]...)
	cmd.Dir, cmd.Env = spec.dir, append(spec.env, "HOME="+spec.dir)
	cmd.WaitDelay = outputDelay
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &process{cmd: cmd}
	if spec.tty {
		return p, p.startOnTerminal(spec)
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.Stdout, cmd.Stderr = spec.stdout, spec.stderr
	if spec.stdin {
		input, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		p.input = input
	}
	return p, cmd.Start()
}

func (p *process) startOnTerminal(spec processSpec) error {
	master, slave, err := openTerminal()
	if err != nil {
		return err
	}
	defer slave.Close()
	p.terminal = master
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr.Setsid, p.cmd.SysProcAttr.Setctty = true, true
	if err := p.cmd.Start(); err != nil {
		master.Close()
		return err
	}
	if spec.stdin {
		p.input = &terminalInput{master: master}
	}
	out := spec.stdout
	if out == nil {
		out = io.Discard
	}
	p.copied.Go(func() { io.Copy(out, master) }) // ends with EIO when the last holder of the slave has ended
	return nil
}

// wait waits for the end and for the output, and returns the exit code as a shell counts it.
func (p *process) wait() (int, error) {
	err := p.cmd.Wait()
	if p.terminal != nil {
		p.terminal.SetReadDeadline(time.Now().Add(outputDelay))
		p.copied.Wait()
		p.terminal.Close()
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled():
		return 128 + int(status.Signal()), nil
	case ok && status.Exited():
		return status.ExitStatus(), nil
	}
	return 128, errors.Join(errors.New("no exit status"), err)
}

// signal sends a signal to the whole process group.
func (p *process) signal(signal syscall.Signal) {
	syscall.Kill(-p.cmd.Process.Pid, signal)
}
