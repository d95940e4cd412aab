package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// maxSocketPath is what fits in the address of a unix socket.
const maxSocketPath = 100

// startEtcd starts a single-member etcd with its data in dir and returns the URL of its unix socket.
// Nothing of it can be reached over the network.
func startEtcd(dir string) (string, error) {
	sockets, err := socketDir(dir)
	if err != nil {
		return "", err
	}
	client := url.URL{Scheme: "unix", Path: filepath.Join(sockets, "etcd.sock")}
	peer := url.URL{Scheme: "unix", Path: filepath.Join(sockets, "peer.sock")}
	for _, stale := range []url.URL{client, peer} {
		os.Remove(stale.Path)
	}
	config := embed.NewConfig()
	config.Name = "test"
	config.Dir = filepath.Join(dir, "etcd")
	config.ListenClientUrls = []url.URL{client}
	config.AdvertiseClientUrls = []url.URL{client}
	config.ListenPeerUrls = []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.LogLevel = "warn"
	config.LogOutputs = []string{"stderr"}
	config.UnsafeNoFsync = true // a test's data need not survive the machine
	config.EnableGRPCGateway = false
	server, err := embed.StartEtcd(config)
	if err != nil {
		return "", fmt.Errorf("etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return client.String(), nil
	case err := <-server.Err():
		return "", fmt.Errorf("etcd: %w", err)
	case <-time.After(30 * time.Second):
		return "", errors.New("etcd was not ready after 30 s")
	}
}

// socketDir is dir, or a temporary directory when dir's name is too long for a socket.
func socketDir(dir string) (string, error) {
	if len(dir)+len("/etcd.sock") <= maxSocketPath {
		return dir, nil
	}
	return os.MkdirTemp("", "kubegate-etcd-")
}
