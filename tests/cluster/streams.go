package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// streamRuntime does for Kubernetes' streaming server what a container runtime does.
type streamRuntime struct{ agent *agent }

// containerID names a container for the streaming server.
func containerID(uid types.UID, name string) string { return string(uid) + "/" + name }

func (r streamRuntime) find(id string) (*container, error) {
	uid, name, _ := strings.Cut(id, "/")
	if pod := r.agent.find(types.UID(uid)); pod != nil {
		if c := pod.container(name); c != nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("container %q not found", id)
}

// Exec runs a command in a container's directory with the container's environment.
func (r streamRuntime) Exec(ctx context.Context, id string, argv []string, in io.Reader, out, errOut io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize) error {
	c, err := r.find(id)
	if err != nil {
		return err
	}
	if c.snapshot().phase != phaseRunning {
		return fmt.Errorf("container %q is not running", c.name)
	}
	spec := processSpec{argv: argv, env: c.env, dir: c.dir, tty: tty, stdin: in != nil}
	if out != nil {
		spec.stdout = out
	}
	if errOut != nil {
		spec.stderr = errOut
	}
	p, err := startProcess(spec)
	if err != nil {
		return err
	}
	release := context.AfterFunc(ctx, func() { p.signal(syscall.SIGKILL) })
	defer release()
	if in != nil {
		go func() {
			io.Copy(p.input, in)
			p.input.Close()
		}()
	}
	go followSize(p, resize)
	code, err := p.wait()
	if err != nil {
		return err
	}
	if code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("exit status %d", code), Code: code}
	}
	return nil
}

// Attach joins a client to a running container's streams.
func (r streamRuntime) Attach(ctx context.Context, id string, in io.Reader, out, errOut io.WriteCloser, _ bool, resize <-chan remotecommand.TerminalSize) error {
	c, err := r.find(id)
	if err != nil {
		return err
	}
	pieces := c.output.subscribe()
	defer c.output.unsubscribe(pieces)
	p, done := c.present()
	if done == nil || c.snapshot().phase != phaseRunning {
		return fmt.Errorf("container %q is not running", c.name)
	}
	if p != nil {
		go followSize(p, resize)
		if in != nil && p.input != nil {
			go func() {
				_, err := io.Copy(p.input, in)
				if c.onceIn && err == nil {
					p.input.Close()
				}
			}()
		}
	}
	writers := map[outputStream]io.Writer{streamOut: discardNil(out), streamErr: discardNil(errOut)}
	for {
		select {
		case <-ctx.Done():
			return nil
		case piece, ok := <-pieces:
			if !ok {
				return nil
			}
			if _, err := writers[piece.stream].Write(piece.data); err != nil {
				return nil // the client has gone
			}
		}
	}
}

// PortForward joins a stream to a port of this machine.
func (streamRuntime) PortForward(ctx context.Context, _ string, port int32, stream io.ReadWriteCloser) error {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(podIP, strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	defer connection.Close()
	var answered sync.WaitGroup
	answered.Go(func() {
		io.Copy(stream, connection)
		stream.Close()
	})
	_, err = io.Copy(connection, stream)
	if half, ok := connection.(*net.TCPConn); ok {
		half.CloseWrite()
	}
	answered.Wait()
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// followSize resizes the process's terminal, if it has one, until the channel is closed.
func followSize(p *process, sizes <-chan remotecommand.TerminalSize) {
	for size := range sizes {
		if p.terminal != nil {
			resizeTerminal(p.terminal, size.Width, size.Height)
		}
	}
}

func discardNil(w io.WriteCloser) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
