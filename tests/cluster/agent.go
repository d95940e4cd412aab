package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// shutdownGrace is what processes get between SIGTERM and SIGKILL when the cluster ends.
const shutdownGrace = 500 * time.Millisecond

// agent is scheduler and kubelet of the one node: it binds every pod to the node and runs it.
type agent struct {
	client kubernetes.Interface
	dir    string
	mark   mark

	mu       sync.Mutex
	pods     map[types.UID]*podRun
	stopping bool
}

// startAgent serves the kubelet's endpoints, registers the node and follows the pods.
func startAgent(ctx context.Context, client kubernetes.Interface, dir string, pki *pki) (*agent, error) {
	a := &agent{client: client, dir: filepath.Join(dir, "pods"), mark: clusterMark(dir), pods: map[types.UID]*podRun{}}
	a.mark.sweep() // left over by a run that was killed
	if err := errors.Join(os.RemoveAll(a.dir), os.MkdirAll(a.dir, 0o700)); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", podIP+":0")
	if err != nil {
		return nil, err
	}
	if err := a.serveKubelet(listener, pki); err != nil {
		return nil, err
	}
	if err := registerNode(ctx, client, listener.Addr().(*net.TCPAddr).Port); err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	_, err = factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { a.sync(ctx, object.(*v1.Pod)) },
		UpdateFunc: func(_, object any) { a.sync(ctx, object.(*v1.Pod)) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			if pod, ok := object.(*v1.Pod); ok {
				a.forget(pod.UID)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	return a, nil
}

// sync brings one pod nearer to what its object says; it never blocks.
func (a *agent) sync(ctx context.Context, pod *v1.Pod) {
	switch {
	case pod.DeletionTimestamp != nil && pod.Spec.NodeName == nodeName:
		go a.remove(ctx, pod)
	case pod.Spec.NodeName == "" && len(pod.Spec.SchedulingGates) == 0:
		go a.bind(ctx, pod)
	case pod.Spec.NodeName == nodeName && !finished(pod):
		a.run(ctx, pod)
	}
}

func finished(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}

// bind does the scheduler's part.
func (a *agent) bind(ctx context.Context, pod *v1.Pod) {
	err := a.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &v1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
		Target:     v1.ObjectReference{Kind: "Node", Name: nodeName},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		klog.ErrorS(err, "bind", "pod", klog.KObj(pod))
	}
}

// run starts a pod that does not run yet, and the debug containers that were added to one that does.
func (a *agent) run(ctx context.Context, pod *v1.Pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopping {
		return
	}
	if running, ok := a.pods[pod.UID]; ok {
		running.addEphemeral(pod)
		return
	}
	running := newPodRun(a.client, pod, filepath.Join(a.dir, string(pod.UID)), a.mark)
	a.pods[pod.UID] = running
	running.start(ctx)
}

// remove ends a pod's processes within its grace period, then its object.
func (a *agent) remove(ctx context.Context, pod *v1.Pod) {
	if running := a.find(pod.UID); running != nil {
		grace := time.Duration(0)
		if seconds := pod.DeletionGracePeriodSeconds; seconds != nil {
			grace = time.Duration(*seconds) * time.Second
		}
		if !running.stop(min(grace, maxGrace)) {
			return // another call is at it
		}
	}
	now := int64(0)
	err := a.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now,
		Preconditions:      &metav1.Preconditions{UID: &pod.UID},
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		klog.ErrorS(err, "delete", "pod", klog.KObj(pod))
	}
}

// forget ends what is left of a pod whose object is gone.
func (a *agent) forget(uid types.UID) {
	a.mu.Lock()
	running := a.pods[uid]
	delete(a.pods, uid)
	a.mu.Unlock()
	if running != nil {
		go func() {
			running.stop(0)
			os.RemoveAll(running.dir)
		}()
	}
}

func (a *agent) find(uid types.UID) *podRun {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pods[uid]
}

// lookup finds a running pod by name.
func (a *agent) lookup(namespace, name string) *podRun {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, running := range a.pods {
		if running.pod.Namespace == namespace && running.pod.Name == name {
			return running
		}
	}
	return nil
}

// shutdown ends the processes of all pods and leaves their objects.
func (a *agent) shutdown() {
	a.mu.Lock()
	a.stopping = true
	var all sync.WaitGroup
	for _, running := range a.pods {
		running.silence()
		all.Go(func() { running.stop(shutdownGrace) })
	}
	a.mu.Unlock()
	all.Wait()
	a.mark.sweep()
}
