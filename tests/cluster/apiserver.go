package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"path/filepath"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/rest"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

// apiServer is what the API server needs to know.
type apiServer struct {
	dir      string
	listener net.Listener
	url      string
	etcd     string
	auditLog string
	pki      *pki
}

// run runs the real kube-apiserver until the context ends.
func (s *apiServer) run(ctx context.Context) error {
	policy := filepath.Join(s.dir, "audit-policy.yaml")
	if err := writeFile(policy, auditPolicy); err != nil {
		return err
	}
	run := options.NewServerRunOptions()
	run.SecureServing.Listener = s.listener
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range run.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(s.flags(policy)); err != nil {
		return err
	}
	if err := run.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	if err := logsapi.ValidateAndApply(run.Logs, utilfeature.DefaultFeatureGate); err != nil {
		return err
	}
	completed, err := run.Complete(ctx)
	if err != nil {
		return err
	}
	if problems := completed.Validate(); len(problems) > 0 {
		return utilerrors.NewAggregate(problems)
	}
	if err := app.Run(ctx, completed); err != nil {
		return fmt.Errorf("kube-apiserver: %w", err)
	}
	return nil
}

// flags is the command line that this server would have on its own.
func (s *apiServer) flags(policy string) []string {
	return []string{
		"--etcd-servers=" + s.etcd,
		"--bind-address=127.0.0.1",
		"--endpoint-reconciler-type=none", // the others refuse a loopback address
		"--tls-cert-file=" + s.pki.serving.cert,
		"--tls-private-key-file=" + s.pki.serving.key,
		"--client-ca-file=" + s.pki.caFile,
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.0.0.0/16",

		// Tokens can be checked by anyone who reads the server's own discovery document.
		"--service-account-issuer=" + s.url,
		"--service-account-jwks-uri=" + s.url + "/openid/v1/jwks",
		"--service-account-key-file=" + s.pki.serviceAccountKey,
		"--service-account-signing-key-file=" + s.pki.serviceAccountKey,
		"--disable-admission-plugins=ServiceAccount", // pods are local processes and get no token

		"--kubelet-client-certificate=" + s.pki.kubeletClient.cert,
		"--kubelet-client-key=" + s.pki.kubeletClient.key,
		"--kubelet-certificate-authority=" + s.pki.caFile,
		"--kubelet-preferred-address-types=InternalIP",

		"--audit-log-path=" + s.auditLog,
		"--audit-policy-file=" + policy,
		"--audit-log-mode=blocking", // written before the answer is
		"--audit-log-maxsize=65536", // never rotated under a reader

		// Quiet when nothing happens.
		"--enable-priority-and-fairness=false",
		"--profiling=false",
		"--etcd-count-metric-poll-period=0",
		"--etcd-db-metric-poll-interval=0",
	}
}
