package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

const (
	podIP = "127.0.0.1"
	// maxGrace caps the grace period of a deleted pod: a test must not wait 30 s for a stubborn process.
	maxGrace     = 2 * time.Second
	firstBackoff = 2 * time.Second
	maxBackoff   = time.Minute
)

// podRun is one pod on this node: its containers and the reporting of their states.
type podRun struct {
	client kubernetes.Interface
	pod    *v1.Pod // as it was when it started; only names and containers are read from it
	dir    string
	marks  []mark

	changed chan struct{} // holds one note that a container's state has changed
	stopped chan struct{} // closed when the pod must end
	once    sync.Once
	quiet   context.CancelFunc

	mu         sync.Mutex
	containers []*container
	ephemeral  []*container
	init       []*container
	wg         sync.WaitGroup
}

func newPodRun(client kubernetes.Interface, pod *v1.Pod, dir string, cluster mark) *podRun {
	p := &podRun{
		client:  client,
		pod:     pod.DeepCopy(),
		dir:     dir,
		marks:   []mark{cluster, podMark(string(pod.UID))},
		changed: make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	for i := range p.pod.Spec.InitContainers {
		p.init = append(p.init, p.newContainer(&p.pod.Spec.InitContainers[i]))
	}
	for i := range p.pod.Spec.Containers {
		p.containers = append(p.containers, p.newContainer(&p.pod.Spec.Containers[i]))
	}
	return p
}

func (p *podRun) newContainer(spec *v1.Container) *container {
	return newContainer(spec, filepath.Join(p.dir, spec.Name), containerEnv(p.pod, spec, p.marks), p.note)
}

// start runs the pod in the background and reports its status until it is stopped.
func (p *podRun) start(ctx context.Context) {
	ctx, p.quiet = context.WithCancel(ctx)
	p.wg.Go(func() {
		for _, c := range p.init {
			if !p.runInit(c) {
				return
			}
		}
		for _, c := range p.containers {
			p.wg.Go(func() { p.keepRunning(c, p.pod.Spec.RestartPolicy) })
		}
	})
	go p.report(ctx)
	p.note()
}

// runInit runs an init container until it succeeds; false means that the pod goes no further.
func (p *podRun) runInit(c *container) bool {
	policy := p.pod.Spec.RestartPolicy
	if policy == v1.RestartPolicyAlways {
		policy = v1.RestartPolicyOnFailure
	}
	p.keepRunning(c, policy)
	state := c.snapshot()
	return state.phase == phaseExited && state.exitCode == 0
}

// keepRunning runs a container again and again, as the policy says, until the pod stops.
func (p *podRun) keepRunning(c *container, policy v1.RestartPolicy) {
	backoff := firstBackoff
	for {
		code := c.runOnce(p.stopped)
		again := policy == v1.RestartPolicyAlways || policy == v1.RestartPolicyOnFailure && code != 0
		if !again {
			return
		}
		c.waitForRestart()
		select {
		case <-p.stopped:
			return
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// addEphemeral starts the debug containers that are new in the pod's object.
func (p *podRun) addEphemeral(pod *v1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stopped:
		return
	default:
	}
	for _, spec := range pod.Spec.EphemeralContainers[min(len(p.ephemeral), len(pod.Spec.EphemeralContainers)):] {
		c := p.newContainer((*v1.Container)(&spec.EphemeralContainerCommon))
		p.ephemeral = append(p.ephemeral, c)
		p.wg.Go(func() { p.keepRunning(c, v1.RestartPolicyNever) })
	}
}

// stop ends the pod's processes and waits for them; false when it was stopped before.
func (p *podRun) stop(grace time.Duration) bool {
	first := false
	p.once.Do(func() {
		first = true
		close(p.stopped)
		for _, c := range p.all() {
			c.signalEnd()
		}
		ended := make(chan struct{})
		go func() { p.wg.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(grace):
		}
		for _, c := range p.all() {
			c.kill()
		}
		podMark(string(p.pod.UID)).sweep()
		<-ended
		p.quiet()
	})
	return first
}

// silence ends the reporting, for the cluster's own end.
func (p *podRun) silence() { p.quiet() }

// all lists the containers of every kind.
func (p *podRun) all() []*container {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(append(append([]*container{}, p.init...), p.containers...), p.ephemeral...)
}

// container finds a container by name.
func (p *podRun) container(name string) *container {
	for _, c := range p.all() {
		if c.name == name {
			return c
		}
	}
	return nil
}

// note asks for a report, without waiting.
func (p *podRun) note() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// report writes the pod's status whenever a container's state has changed.
func (p *podRun) report(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		}
		for attempt := range 5 {
			err := p.writeStatus(ctx)
			if err == nil || ctx.Err() != nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
				break
			}
			klog.ErrorS(err, "status", "pod", klog.KObj(p.pod))
			time.Sleep(time.Duration(attempt+1) * 100 * time.Millisecond)
		}
	}
}

// writeStatus merges the status into the object, as long as it is still the same pod.
func (p *podRun) writeStatus(ctx context.Context) error {
	p.mu.Lock()
	groups := [][]*container{p.init, p.containers, append([]*container{}, p.ephemeral...)}
	p.mu.Unlock()
	status := podStatus(p.pod, snapshots(groups[0]), snapshots(groups[1]), snapshots(groups[2]))
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.pod.UID}, "status": status})
	if err != nil {
		return err
	}
	_, err = p.client.CoreV1().Pods(p.pod.Namespace).Patch(ctx, p.pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

func snapshots(containers []*container) []containerState {
	states := make([]containerState, len(containers))
	for i, c := range containers {
		states[i] = c.snapshot()
	}
	return states
}

// containerEnv is the environment of a container's processes: ours for the search path, the marks, and
// the container's own literals and names.
func containerEnv(pod *v1.Pod, spec *v1.Container, marks []mark) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOSTNAME=" + pod.Name,
		"LANG=C.UTF-8",
		"TERM=xterm",
	}
	for _, m := range marks {
		env = append(env, string(m))
	}
	for _, variable := range spec.Env {
		value := variable.Value
		if source := variable.ValueFrom; source != nil && source.FieldRef != nil {
			value = podField(pod, source.FieldRef.FieldPath)
		}
		env = append(env, variable.Name+"="+value)
	}
	return env
}

// podField answers the downward API's most used fields; others are empty.
func podField(pod *v1.Pod, path string) string {
	switch path {
	case "metadata.name":
		return pod.Name
	case "metadata.namespace":
		return pod.Namespace
	case "metadata.uid":
		return string(pod.UID)
	case "spec.nodeName":
		return nodeName
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName
	case "status.podIP", "status.hostIP":
		return podIP
	}
	return ""
}
