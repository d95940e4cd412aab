//! The style sheet and the icon: their addresses have their hashes, so that browsers keep them for good.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../assets/kubegate.css");
const ICON: &str = include_str!("../../assets/kubegate.svg");

/// The path of the style sheet.
pub(super) fn style_path() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| path(STYLE, "css"))
}

/// The path of the icon.
pub(super) fn icon_path() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| path(ICON, "svg"))
}

fn path(content: &str, extension: &str) -> String {
    let hash = Sha256::digest(content.as_bytes());
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/{hash}.{extension}")
}

/// `GET /assets/{name}`
pub(super) async fn get(Path(name): Path<String>) -> Response {
    let assets = [(style_path(), "text/css; charset=utf-8", STYLE), (icon_path(), "image/svg+xml", ICON)];
    let found = assets.into_iter().find(|(path, ..)| path.strip_prefix("/assets/") == Some(name.as_str()));
    let Some((_, kind, content)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, content).into_response()
}
