package main

import (
	"testing"

	v1 "k8s.io/api/core/v1"
)

func TestPodPhase(t *testing.T) {
	waiting := containerState{phase: phaseWaiting}
	running := containerState{phase: phaseRunning}
	succeeded := containerState{phase: phaseExited}
	failed := containerState{phase: phaseExited, exitCode: 1}
	backingOff := containerState{phase: phaseWaiting, last: &containerExit{exitCode: 1}}
	for _, tt := range []struct {
		name             string
		policy           v1.RestartPolicy
		init, containers []containerState
		want             v1.PodPhase
	}{
		{name: "new", containers: []containerState{waiting}, want: v1.PodPending},
		{name: "running", containers: []containerState{running, succeeded}, want: v1.PodRunning},
		{name: "all done", policy: v1.RestartPolicyNever, containers: []containerState{succeeded}, want: v1.PodSucceeded},
		{name: "one failed", policy: v1.RestartPolicyNever, containers: []containerState{succeeded, failed}, want: v1.PodFailed},
		{name: "restarts", policy: v1.RestartPolicyAlways, containers: []containerState{backingOff}, want: v1.PodRunning},
		{name: "between end and restart", policy: v1.RestartPolicyAlways, containers: []containerState{failed}, want: v1.PodRunning},
		{name: "init runs", init: []containerState{running}, containers: []containerState{waiting}, want: v1.PodPending},
		{name: "init failed", policy: v1.RestartPolicyNever, init: []containerState{failed}, containers: []containerState{waiting}, want: v1.PodFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := podPhase(tt.policy, tt.init, tt.containers); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
