package main

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podStatus is what the kubelet says about a pod whose containers are in these states.
func podStatus(pod *v1.Pod, init, containers, ephemeral []containerState) v1.PodStatus {
	status := v1.PodStatus{
		Phase:                 podPhase(pod.Spec.RestartPolicy, init, containers),
		HostIP:                podIP,
		HostIPs:               []v1.HostIP{{IP: podIP}},
		PodIP:                 podIP,
		PodIPs:                []v1.PodIP{{IP: podIP}},
		StartTime:             &pod.CreationTimestamp,
		InitContainerStatuses: containerStatuses(pod, init),
		ContainerStatuses:     containerStatuses(pod, containers),
	}
	if len(ephemeral) > 0 {
		status.EphemeralContainerStatuses = containerStatuses(pod, ephemeral)
	}
	initialized := allStates(init, func(s containerState) bool { return s.phase == phaseExited && s.exitCode == 0 })
	ready := allStates(containers, func(s containerState) bool { return s.phase == phaseRunning })
	reason := ""
	if status.Phase == v1.PodSucceeded {
		reason = "PodCompleted"
	}
	status.Conditions = []v1.PodCondition{
		condition(v1.PodReadyToStartContainers, true, ""),
		condition(v1.PodInitialized, initialized, ""),
		condition(v1.PodReady, ready, reason),
		condition(v1.ContainersReady, ready, reason),
		condition(v1.PodScheduled, true, ""),
	}
	return status
}

// podPhase sums up the containers, by the rules of the kubelet's getPhase.
func podPhase(policy v1.RestartPolicy, init, containers []containerState) v1.PodPhase {
	for _, s := range init {
		switch {
		case s.phase == phaseExited && s.exitCode != 0 && policy == v1.RestartPolicyNever:
			return v1.PodFailed
		case s.phase != phaseExited || s.exitCode != 0:
			return v1.PodPending
		}
	}
	var waiting, alive, failed int
	for _, s := range containers {
		switch {
		case s.phase == phaseWaiting && s.restarts == 0 && s.last == nil:
			waiting++
		case s.phase != phaseExited:
			alive++
		case s.exitCode != 0:
			failed++
		}
	}
	switch {
	case waiting > 0:
		return v1.PodPending
	case alive > 0 || policy == v1.RestartPolicyAlways:
		return v1.PodRunning
	case failed > 0 && policy == v1.RestartPolicyOnFailure:
		return v1.PodRunning
	case failed > 0:
		return v1.PodFailed
	default:
		return v1.PodSucceeded
	}
}

func allStates(states []containerState, holds func(containerState) bool) bool {
	for _, s := range states {
		if !holds(s) {
			return false
		}
	}
	return true
}

func condition(kind v1.PodConditionType, holds bool, reason string) v1.PodCondition {
	status := v1.ConditionFalse
	if holds {
		status = v1.ConditionTrue
	}
	return v1.PodCondition{Type: kind, Status: status, Reason: reason, LastTransitionTime: metav1.Now()}
}

func containerStatuses(pod *v1.Pod, states []containerState) []v1.ContainerStatus {
	statuses := make([]v1.ContainerStatus, len(states))
	for i, s := range states {
		running := s.phase == phaseRunning
		statuses[i] = v1.ContainerStatus{
			Name:         s.name,
			Image:        s.image,
			ImageID:      s.image,
			ContainerID:  fmt.Sprintf("local-process://%s-%s-%d", pod.UID, s.name, s.restarts),
			Ready:        running || s.phase == phaseExited && s.exitCode == 0 && isInit(pod, s.name),
			Started:      &running,
			RestartCount: int32(s.restarts),
			State:        containerStateOf(s),
		}
		if s.last != nil {
			statuses[i].LastTerminationState.Terminated = terminated(*s.last)
		}
	}
	return statuses
}

func isInit(pod *v1.Pod, name string) bool {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			return true
		}
	}
	return false
}

func containerStateOf(s containerState) v1.ContainerState {
	switch {
	case s.phase == phaseRunning:
		return v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(s.started)}}
	case s.phase == phaseExited:
		return v1.ContainerState{Terminated: terminated(s.exit())}
	case s.last != nil:
		return v1.ContainerState{Waiting: &v1.ContainerStateWaiting{
			Reason: "CrashLoopBackOff", Message: "back-off before the container is started again",
		}}
	default:
		return v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: "ContainerCreating"}}
	}
}

func terminated(e containerExit) *v1.ContainerStateTerminated {
	reason := "Error"
	if e.exitCode == 0 {
		reason = "Completed"
	}
	return &v1.ContainerStateTerminated{
		ExitCode:   int32(e.exitCode),
		Reason:     reason,
		Message:    e.message,
		StartedAt:  metav1.NewTime(e.started),
		FinishedAt: metav1.NewTime(e.finished),
	}
}
