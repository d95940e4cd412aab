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
    #[error("cannot listen on {address}: {source} (is another program there? `listen` in the configuration says where)")]
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
    let background = background(&app, controls.publisher, controls.policy_status, policy_path, authored);
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
    store.close().await;
    Ok(())
}

/// The tasks beside the listeners.
fn background(
    app: &Arc<App>,
    publisher: policy::Publisher,
    status: watch::Sender<policy::Status>,
    policy_path: PathBuf,
    authored: Authored,
) -> Tasks {
    let (policies, receiver) = mpsc::channel(1);
    let mut tasks = Tasks(Vec::new());
    tasks.0.push(tokio::spawn(publisher.run(receiver, app.sessions.ended())));
    tasks.0.push(tokio::spawn(policy::watch(policy_path, authored, policies, status, Arc::clone(&app.metrics))));
    tasks.0.push(tokio::spawn(sweep(Arc::clone(app))));
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
