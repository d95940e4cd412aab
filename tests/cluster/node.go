package main

import (
	"context"
	"runtime"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
)

// nodeName is the one node's name.
const nodeName = "node-1"

// registerNode makes or updates the Node object, so that the API server finds the kubelet's port.
func registerNode(ctx context.Context, client kubernetes.Interface, kubeletPort int) error {
	nodes := client.CoreV1().Nodes()
	node, err := nodes.Get(ctx, nodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		node, err = nodes.Create(ctx, &v1.Node{ObjectMeta: metav1.ObjectMeta{
			Name:   nodeName,
			Labels: map[string]string{v1.LabelHostname: nodeName, v1.LabelOSStable: runtime.GOOS, v1.LabelArchStable: runtime.GOARCH},
		}}, metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	if len(node.Spec.Taints) > 0 { // admission adds not-ready; no controller here would take it away
		node.Spec.Taints = nil
		if node, err = nodes.Update(ctx, node, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	node.Status = nodeStatus(kubeletPort)
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

func nodeStatus(kubeletPort int) v1.NodeStatus {
	capacity := v1.ResourceList{
		v1.ResourceCPU:    *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		v1.ResourceMemory: resource.MustParse("8Gi"),
		v1.ResourcePods:   resource.MustParse("110"),
	}
	now := metav1.Now()
	return v1.NodeStatus{
		Capacity:    capacity,
		Allocatable: capacity,
		Addresses:   []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: podIP}, {Type: v1.NodeHostName, Address: nodeName}},
		DaemonEndpoints: v1.NodeDaemonEndpoints{
			KubeletEndpoint: v1.DaemonEndpoint{Port: int32(kubeletPort)},
		},
		Conditions: []v1.NodeCondition{{
			Type: v1.NodeReady, Status: v1.ConditionTrue, Reason: "KubeletReady",
			Message: "local processes serve as containers", LastHeartbeatTime: now, LastTransitionTime: now,
		}},
		NodeInfo: v1.NodeSystemInfo{
			KubeletVersion:          version.Get().GitVersion,
			ContainerRuntimeVersion: "local-process://1",
			OSImage:                 "local processes",
			OperatingSystem:         runtime.GOOS,
			Architecture:            runtime.GOARCH,
		},
	}
}
