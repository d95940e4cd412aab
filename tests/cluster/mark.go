package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// mark is an environment entry that every process of a pod or a cluster inherits. It finds the
// processes that left their process group, and those of a run that was killed.
type mark string

// clusterMark marks the processes of one cluster.
func clusterMark(dir string) mark { return mark("KUBEGATE_TEST_CLUSTER=" + dir) }

// podMark marks the processes of one pod.
func podMark(uid string) mark { return mark("KUBEGATE_TEST_POD=" + uid) }

// sweepRounds bounds the race with processes that fork while they are looked for.
const sweepRounds = 5

// sweep kills every process that carries the mark.
func (m mark) sweep() {
	for range sweepRounds {
		found := m.processes()
		if len(found) == 0 {
			return
		}
		for _, pid := range found {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// processes lists the live processes that carry the mark, but for this one.
func (m mark) processes() []int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var found []int
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		environment, err := os.ReadFile(file) // empty for zombies, refused for other users
		if err == nil && m.in(environment) {
			found = append(found, pid)
		}
	}
	return found
}

// in tells whether a NUL-separated environment carries the mark.
func (m mark) in(environment []byte) bool {
	for entry := range bytes.SplitSeq(environment, []byte{0}) {
		if string(entry) == string(m) {
			return true
		}
	}
	return false
}
