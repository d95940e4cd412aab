//! Serves until it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::app::{App, StartError};
use crate::clock::Clock;
use crate::config::Config;
use crate::http;
use crate::policy::{self, Authored};
use crate::recheck;

/// How long requests may take to end once it is time to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How often what is over is forgotten.
const SWEEP: Duration = Duration::from_secs(15 * 60);

/// It cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source} (is another program there? `listen` in the configuration says where)"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A listener failed.
    #[error("a listener failed: {0}")]
    Serve(#[from] std::io::Error),
}

/// Serves until `stop` is done; then answers long polls at once, lets requests end, and closes the store.
///
/// # Errors
/// When it cannot start.
pub async fn serve(config: Config, authored: Authored, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    let policy_path = config.policy.clone();
    let (public, internal) = (bind(config.public).await?, bind(config.internal).await?);
    let (app, controls) = App::open(config, authored.clone(), Clock::system()).await?;
    let stopping = app.stopping.clone();
    let store = app.store.clone();
    tracing::info!(
        issuer = app.issuer.as_str(),
        public = %public.local_addr()?,
        internal = %internal.local_addr()?,
        policy = %app.in_force().version,
        "the control plane is ready"
    );
    let background = background(&app, controls.publisher, controls.standing, policy_path, authored);
    let listeners = async {
        tokio::try_join!(
            listen(public, http::public(Arc::clone(&app)), stopping.clone()),
            listen(internal, http::internal(Arc::clone(&app)), stopping.clone()),
        )
    };
    tokio::pin!(listeners);
    tokio::select! {
        ended = &mut listeners => { ended?; }
        () = stop => {
            tracing::info!("stopping: long polls are answered, requests end within ten seconds");
            controls.stopping.send_replace(true);
            if tokio::time::timeout(GRACE, &mut listeners).await.is_err() {
                tracing::warn!("some requests did not end in time");
            }
        }
    }
    background.abort_all();
    // An answer of a provider that holds a new refresh token must not get lost.
    let _ = tokio::time::timeout(GRACE, app.rechecks.settle()).await;
    // A request that does not end keeps its connection; what it has not committed is undone at the next start.
    let _ = tokio::time::timeout(Duration::from_secs(2), store.close()).await;
    Ok(())
}

/// The tasks beside the listeners.
fn background(
    app: &Arc<App>,
    publisher: policy::Publisher,
    standing: policy::Standing,
    policy_path: PathBuf,
    authored: Authored,
) -> Tasks {
    let (policies, receiver) = mpsc::channel(1);
    let mut tasks = Tasks(Vec::new());
    tasks.0.push(tokio::spawn(publisher.run(receiver, app.sessions.ended())));
    tasks.0.push(tokio::spawn(policy::watch(policy_path, authored, policies, standing, app.clock.clone())));
    tasks.0.push(tokio::spawn(sweep(Arc::clone(app))));
    tasks.0.push(tokio::spawn(recheck::run(Arc::clone(app))));
    tasks
}

struct Tasks(Vec<tokio::task::JoinHandle<()>>);

impl Tasks {
    fn abort_all(self) {
        for task in self.0 {
            task.abort();
        }
    }
}

async fn sweep(app: Arc<App>) {
    let mut turns = tokio::time::interval(SWEEP);
    loop {
        turns.tick().await;
        if let Err(error) = app.sessions.sweep(app.clock.now()).await {
            tracing::error!(%error, "what is over could not be forgotten");
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}

async fn listen(listener: TcpListener, router: Router, mut stopping: watch::Receiver<bool>) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            let _ = stopping.wait_for(|stopping| *stopping).await;
        })
        .await
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use kubegate_core::jws::{PrivateJwk, SigningKey};

    use super::*;

    const POLICY: &str =
        "clusters: [{name: prod, hosts: [prod.example.com], server: \"https://prod.example.com\"}]\nrules: []\n";
    const CREDENTIAL: &str = "kgg_0123456789012345678901234567890123456789012";

    fn free_port() -> u16 {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[tokio::test]
    async fn a_long_poll_is_answered_at_once_when_it_is_time_to_stop() {
        let dir = tempfile::tempdir().unwrap();
        let jwk = serde_json::to_string(&PrivateJwk::from(&SigningKey::from_seed([7; 32]))).unwrap();
        std::fs::write(dir.path().join("bundle-key.json"), jwk).unwrap();
        std::fs::write(dir.path().join("credential"), CREDENTIAL).unwrap();
        std::fs::write(dir.path().join("policy.yaml"), POLICY).unwrap();
        let (public, internal) = (free_port(), free_port());
        let text = format!(
            "issuer: https://kubegate.example.com\nlisten: {{public: \"127.0.0.1:{public}\", internal: \"127.0.0.1:{internal}\"}}\n\
             store: {{path: kubegate.db}}\npolicy: policy.yaml\nkeys: {{bundle: bundle-key.json}}\n\
             gateways: [{{name: edge, credentialFile: credential}}]\n\
             providers: [{{id: corp, issuer: \"https://idp.example.com\", clientId: kubegate}}]\n"
        );
        let key = |name: &str| {
            (name == "KUBEGATE_ENCRYPTION_KEY").then(|| "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned())
        };
        let config = Config::parse("kubegate.yaml", &text, dir.path(), &key).unwrap();
        let authored = policy::load_now(&config.policy).unwrap().policy;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(serve(config, authored, async {
            let _ = stopped.await;
        }));

        let client = reqwest::Client::new();
        let get = |path: &str| client.get(format!("http://127.0.0.1:{internal}{path}")).bearer_auth(CREDENTIAL);
        let mut tries = 0;
        while get("/readyz").send().await.is_err() {
            tries += 1;
            assert!(tries < 200, "it does not become ready");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let first = get("/v1/bundle").send().await.unwrap();
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        let polling = tokio::spawn(get("/v1/bundle").header("if-none-match", tag).header("prefer", "wait=25").send());
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Instant::now();
        stop.send(()).unwrap();
        assert_eq!(polling.await.unwrap().unwrap().status(), 304);
        serving.await.unwrap().unwrap();
        assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    }
}
