package main

import (
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes a kubeconfig that stands alone: certificates inline.
func writeKubeconfig(path, url, caFile string, client keyPair) error {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return err
	}
	cert, err := os.ReadFile(client.cert)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(client.key)
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: url, CertificateAuthorityData: ca}
	config.AuthInfos["admin"] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts["admin"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "admin"}
	config.CurrentContext = "admin"
	data, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	return writeFile(path, data)
}

// restConfig is a client of the API server without a rate limit of its own.
func restConfig(url, caFile string, client keyPair) *rest.Config {
	return &rest.Config{
		Host:      url,
		QPS:       -1,
		UserAgent: "kubegate-test-cluster",
		TLSClientConfig: rest.TLSClientConfig{
			CAFile:   caFile,
			CertFile: client.cert,
			KeyFile:  client.key,
		},
	}
}
