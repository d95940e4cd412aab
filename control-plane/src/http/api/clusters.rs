//! `GET /api/v1/clusters`: the clusters that a rule gives the caller access to, with what a kubeconfig needs.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use kubegate_core::rule::Cluster;
use serde::Serialize;

use super::super::error::ApiError;
use super::super::extract::Caller;
use crate::app::App;

/// A cluster as clients need it.
#[derive(Serialize)]
pub(in crate::http) struct ClusterView<'a> {
    name: &'a str,
    server: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_authority_data: Option<&'a str>,
}

impl<'a> From<&'a Cluster> for ClusterView<'a> {
    fn from(cluster: &'a Cluster) -> Self {
        Self {
            name: cluster.name.as_str(),
            server: &cluster.server,
            certificate_authority_data: cluster.certificate_authority_data.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Clusters<'a> {
    clusters: Vec<ClusterView<'a>>,
}

/// The caller's clusters.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, ApiError> {
    let (identity, now) = (&caller.session.identity, app.clock.now());
    let elevations = app.elevations.of(&identity.person(), now).await.map_err(ApiError::unavailable)?;
    let in_force = app.in_force();
    let clusters = crate::app::clusters_of(&in_force.policy, identity, &elevations, now);
    Ok(super::json(Clusters { clusters: clusters.into_iter().map(ClusterView::from).collect() }))
}
