package main

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
)

// containerPhase is where a container stands.
type containerPhase int

const (
	phaseWaiting containerPhase = iota // not started, or about to be started again
	phaseRunning
	phaseExited
)

// containerExit is how a run of a container ended.
type containerExit struct {
	exitCode          int
	message           string
	started, finished time.Time
}

// containerState is a container's state at one moment.
type containerState struct {
	name, image       string
	phase             containerPhase
	restarts          int
	exitCode          int
	message           string
	started, finished time.Time
	last              *containerExit // of the run before
}

func (s containerState) exit() containerExit {
	return containerExit{exitCode: s.exitCode, message: s.message, started: s.started, finished: s.finished}
}

// container is a container as a local process. Without a command it is no process at all: it runs,
// says nothing, and ends when it is told to.
type container struct {
	name    string
	dir     string // working directory; logs lie beside it
	argv    []string
	env     []string
	tty     bool
	stdin   bool
	onceIn  bool // stdin ends with the first client that was attached
	output  broadcast
	changed func()

	mu      sync.Mutex
	state   containerState
	process *process
	idle    chan struct{} // ends a container without a process
	done    chan struct{} // closed when the present run has ended
}

func newContainer(spec *v1.Container, dir string, env []string, changed func()) *container {
	return &container{
		name:    spec.Name,
		dir:     filepath.Join(dir, "work"),
		argv:    append(append([]string{}, spec.Command...), spec.Args...),
		env:     env,
		tty:     spec.TTY,
		stdin:   spec.Stdin,
		onceIn:  spec.StdinOnce,
		changed: changed,
		state:   containerState{name: spec.Name, image: spec.Image},
	}
}

// runOnce runs the container to its end and returns its exit code.
func (c *container) runOnce(stopped <-chan struct{}) int {
	select {
	case <-stopped:
		return c.exited(137, "stopped before it started")
	default:
	}
	log, err := c.begin()
	if err != nil {
		return c.exited(128, err.Error())
	}
	defer log.Close()
	if len(c.argv) == 0 {
		c.running(nil)
		select {
		case <-stopped:
		case <-c.idle:
		}
		return c.exited(0, "")
	}
	stdout, stderr := io.Writer(log.stream("stdout")), io.Writer(log.stream("stderr"))
	p, err := startProcess(processSpec{
		argv:   c.argv,
		env:    c.env,
		dir:    c.dir,
		tty:    c.tty,
		stdin:  c.stdin,
		stdout: io.MultiWriter(stdout, c.output.stream(streamOut)),
		stderr: io.MultiWriter(stderr, c.output.stream(streamErr)),
	})
	if err != nil {
		return c.exited(128, err.Error())
	}
	c.running(p)
	select {
	case <-stopped: // stopped while it was being started
		p.signal(syscall.SIGKILL)
	default:
	}
	code, err := p.wait()
	message := ""
	if err != nil {
		message = err.Error()
	}
	return c.exited(code, message)
}

// begin makes the directory and the log file of a new run.
func (c *container) begin() (*criLog, error) {
	c.mu.Lock()
	if c.state.last != nil {
		c.state.restarts++
	}
	c.idle, c.done = make(chan struct{}), make(chan struct{})
	restarts := c.state.restarts
	c.mu.Unlock()
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, err
	}
	return newCRILog(c.logFile(restarts))
}

// logFile is the log of the run after so many restarts.
func (c *container) logFile(restarts int) string {
	return filepath.Join(filepath.Dir(c.dir), strconv.Itoa(restarts)+".log")
}

func (c *container) running(p *process) {
	c.mu.Lock()
	c.process = p
	c.state.phase, c.state.started = phaseRunning, time.Now()
	c.mu.Unlock()
	c.changed()
}

func (c *container) exited(code int, message string) int {
	c.mu.Lock()
	now := time.Now()
	if c.state.started.IsZero() {
		c.state.started = now
	}
	c.process = nil
	c.state.phase, c.state.exitCode, c.state.message, c.state.finished = phaseExited, code, message, now
	if c.done != nil {
		close(c.done)
		c.done = nil
	}
	c.mu.Unlock()
	c.output.end()
	c.changed()
	return code
}

// waitForRestart marks an ended container as one that will start again.
func (c *container) waitForRestart() {
	c.mu.Lock()
	last := c.state.exit()
	c.state.last, c.state.phase = &last, phaseWaiting
	c.mu.Unlock()
	c.changed()
}

func (c *container) snapshot() containerState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// present returns the present run's process (nil when there is none) and the channel that ends with it.
func (c *container) present() (*process, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process, c.done
}

// signalEnd asks the present run to end.
func (c *container) signalEnd() {
	if p, _ := c.present(); p != nil {
		p.signal(syscall.SIGTERM)
	}
}

// kill ends the present run.
func (c *container) kill() {
	if p, _ := c.present(); p != nil {
		p.signal(syscall.SIGKILL)
	}
}
