package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
)

const (
	startLimit   = 60 * time.Second
	pollInterval = 50 * time.Millisecond
	parentPoll   = 500 * time.Millisecond
	logTail      = 15
)

// serveOptions is the command line of serve.
type serveOptions struct {
	dir            string
	port           int
	auditLog       string
	exitWithParent bool
}

// clusterFile is DIR/cluster.json, which appears when the cluster is ready.
type clusterFile struct {
	URL             string `json:"url"`
	CA              string `json:"ca"`
	AdminKubeconfig string `json:"adminKubeconfig"`
	AuditLog        string `json:"auditLog"`
	PID             int    `json:"pid"`
	Version         string `json:"version"`
	Node            string `json:"node"`
}

// serve runs a cluster until a signal, the parent's end or a failure.
func serve(o serveOptions) error {
	started := time.Now()
	parent := os.Getppid()
	c, err := prepare(o)
	if err != nil {
		return err
	}
	logFile := filepath.Join(c.dir, "apiserver.log")
	if err := logTo(logFile); err != nil {
		return err
	}
	signals, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if o.exitWithParent {
		var ended context.CancelFunc
		signals, ended = context.WithCancel(signals)
		go watchParent(parent, ended)
	}
	failed := make(chan error, 1)
	defer c.shutdown()
	if err := c.start(signals, failed); err != nil {
		if signals.Err() != nil {
			return nil
		}
		return fmt.Errorf("the cluster did not start: %w\nlast lines of %s:\n%s", err, logFile, lastLines(logFile, logTail))
	}
	fmt.Printf("ready %s in %.1fs\n", c.file.URL, time.Since(started).Seconds())
	select {
	case <-signals.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("the API server ended: %w\nlast lines of %s:\n%s", err, logFile, lastLines(logFile, logTail))
	}
}

// watchParent calls ended when the process has another parent than at its start.
func watchParent(parent int, ended func()) {
	for os.Getppid() == parent {
		time.Sleep(parentPoll)
	}
	ended()
}

// cluster is one cluster in this process.
type cluster struct {
	dir      string
	file     clusterFile
	pki      *pki
	listener net.Listener
	agent    *agent
}

// prepare makes the directory, the certificates and the listener; everything whose failure is the caller's.
func prepare(o serveOptions) (*cluster, error) {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := lock(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("another test cluster runs in %s: %w", dir, err)
	}
	audit := filepath.Join(dir, "audit.log")
	if o.auditLog != "" {
		if audit, err = filepath.Abs(o.auditLog); err != nil {
			return nil, err
		}
	}
	c := &cluster{dir: dir}
	os.Remove(c.filePath()) // of an earlier run
	if c.pki, err = loadPKI(filepath.Join(dir, "pki")); err != nil {
		return nil, err
	}
	if c.listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", o.port)); err != nil {
		return nil, err
	}
	c.file = clusterFile{
		URL:             "https://" + c.listener.Addr().String(),
		CA:              filepath.Join(dir, "ca.crt"),
		AdminKubeconfig: filepath.Join(dir, "admin.kubeconfig"),
		AuditLog:        audit,
		PID:             os.Getpid(),
		Version:         version.Get().GitVersion,
		Node:            nodeName,
	}
	ca, err := os.ReadFile(c.pki.caFile)
	if err != nil {
		return nil, err
	}
	if err := writeFile(c.file.CA, ca); err != nil {
		return nil, err
	}
	return c, writeKubeconfig(c.file.AdminKubeconfig, c.file.URL, c.pki.caFile, c.pki.admin)
}

// lock takes the directory for the rest of the process's life.
func lock(path string) error {
	fd, err := syscall.Open(path, syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	return syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
}

// start brings everything up and says so in cluster.json. A later end of the API server goes to failed.
func (c *cluster) start(ctx context.Context, failed chan<- error) error {
	etcd, err := startEtcd(c.dir)
	if err != nil {
		return err
	}
	server := &apiServer{dir: c.dir, listener: c.listener, url: c.file.URL, etcd: etcd, auditLog: c.file.AuditLog, pki: c.pki}
	running, lost := context.WithCancelCause(ctx)
	go func() {
		// A context of its own: at the end the process simply ends, without the server's long farewell.
		err := server.run(context.Background())
		if err == nil {
			err = errors.New("it stopped by itself")
		}
		lost(err)
		failed <- err
	}()
	config := restConfig(c.file.URL, c.pki.caFile, c.pki.internal)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(running, startLimit)
	defer cancel()
	if err := waitReady(limited, client); err != nil {
		return errors.Join(context.Cause(running), err)
	}
	if c.agent, err = startAgent(ctx, client, c.dir, c.pki); err != nil {
		return err
	}
	if err := startControllers(ctx, config); err != nil {
		return err
	}
	if err := waitFor(limited, "the default namespace and its service account", func(ctx context.Context) error {
		return defaultsExist(ctx, client)
	}); err != nil {
		return err
	}
	data, err := json.MarshalIndent(c.file, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(c.filePath(), append(data, '\n'))
}

func (c *cluster) filePath() string { return filepath.Join(c.dir, "cluster.json") }

// shutdown ends what would outlive the process.
func (c *cluster) shutdown() {
	os.Remove(c.filePath())
	if c.agent != nil {
		c.agent.shutdown()
	}
}

// waitReady waits for the API server's own word.
func waitReady(ctx context.Context, client kubernetes.Interface) error {
	return waitFor(ctx, "/readyz", func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// waitFor repeats an attempt until it succeeds or the context ends.
func waitFor(ctx context.Context, what string, attempt func(context.Context) error) error {
	for {
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, err)
		case <-time.After(pollInterval):
		}
	}
}
