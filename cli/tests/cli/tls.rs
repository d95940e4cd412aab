//! Whom the CLI trusts, on a real TLS listener before the fake control plane.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::world::{Ended, World};

/// A TLS listener for `name` that hands everything to the fake; its address and its authority's certificate.
fn tls_in_front(world: &World, name: &str) -> (String, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let behind = world.fake.url.strip_prefix("http://").unwrap().to_owned();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let (stream, behind) = (StreamOwned::new(connection, stream.unwrap()), behind.clone());
            thread::spawn(move || one_request(stream, &behind));
        }
    });
    (address, authority.pem())
}

/// Hands over one request, whose body never comes later than its head here, and its whole answer.
fn one_request(mut client: StreamOwned<ServerConnection, TcpStream>, behind: &str) {
    let mut server = TcpStream::connect(behind).unwrap();
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let Ok(read) = client.read(&mut chunk) else { return };
        if read == 0 {
            return;
        }
        request.extend_from_slice(&chunk[..read]);
        if is_whole(&request) {
            break;
        }
    }
    server.write_all(&request).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    let _ = client.write_all(&answer);
    client.conn.send_close_notify();
    let _ = client.flush();
    let _ = client.sock.shutdown(Shutdown::Write);
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length: ").map(|length| length.parse().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

fn authority_file(world: &World, pem: &str) -> PathBuf {
    let file = world.home.path().join("ca.pem");
    fs::write(&file, pem).unwrap();
    file
}

#[test]
fn trusts_the_authority_given() {
    let world = World::new();
    let (url, pem) = tls_in_front(&world, "127.0.0.1");
    {
        let mut state = world.fake.state();
        state.issuer = Some(url.clone());
        state.answer_iss = Some(url.clone());
    }
    let file = authority_file(&world, &pem);
    world.run(&["login", "--server", &url]).failed(1, &["is not trusted", "--certificate-authority"]);
    world.run(&["login", "--server", &url, "--certificate-authority", file.to_str().unwrap()]).ok();
    world.run(&["login", "--server", &url, "--insecure-skip-tls-verify"]).ok();
    world
        .run(&["login", "--server", &url, "--certificate-authority", "/nowhere.pem"])
        .failed(1, &["/nowhere.pem", "--certificate-authority"]);
}

#[test]
fn asks_the_cluster_as_the_kubeconfig_says() {
    let world = World::new();
    let (server, pem) = tls_in_front(&world, "prod.k8s.example.com");
    let first = world.token();
    world.fake.state().session_check = (401, "{}".into());
    let ask = |cluster: serde_json::Value| {
        let mut info = world.exec_info("v1", true);
        info["spec"]["cluster"] = cluster;
        let mut command = world.credential();
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
        Ended::from(command.output().unwrap()).token()
    };
    let authority = STANDARD.encode(&pem);
    // Whom it does not trust it does not ask, and whom it cannot ask cannot say no.
    assert_eq!(ask(json!({"server": server})), first);
    assert_eq!(ask(json!({"server": server, "certificate-authority-data": authority})), first, "another name");
    let named = json!({
        "server": server, "certificate-authority-data": authority, "tls-server-name": "prod.k8s.example.com",
    });
    let second = ask(named);
    assert_ne!(second, first);
    assert_ne!(ask(json!({"server": server, "insecure-skip-tls-verify": true})), second);
}

/// kubectl itself runs the helper, when there is a kubectl on the machine. It does so over TLS only.
#[test]
fn kubectl_signs_in_by_itself() {
    let world = World::new();
    let (server, pem) = tls_in_front(&world, "127.0.0.1");
    world.fake.state().cluster_at = Some((server, STANDARD.encode(&pem)));
    world.run(&["login"]).ok();
    world.run(&["kubeconfig", "--cluster", "prod"]).ok();
    world.run(&["logout"]).ok();
    let kubectl = || {
        let template = world.command(&[]);
        let mut kubectl = std::process::Command::new("kubectl");
        kubectl.args(["--context", "prod", "get", "--raw", "/version"]).env_clear();
        kubectl.envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
        kubectl.output()
    };
    let Ok(first) = kubectl() else { return };
    assert!(Ended::from(first).ok().stdout.contains("v1.37.2"));
    assert!(Ended::from(kubectl().unwrap()).ok().stdout.contains("v1.37.2"));
    assert_eq!(world.visits(), 2, "one sign-in by hand, one for both kubectl");
    assert!(world.fake.count("GET /.kubegate/session") >= 1);
    assert!(world.fake.count("GET /version") >= 2);
}
