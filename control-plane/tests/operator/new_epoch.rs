//! `kubegate-control-plane new-epoch`.

use std::path::Path;
use std::process::Command;

use kubegate_control_plane::store::{Store, bundle_version};

/// What it prints to standard output and standard error, and its exit code. It has no secrets to read.
fn new_epoch(folder: &Path) -> (String, String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_kubegate-control-plane"))
        .args(["new-epoch", "--config", "kubegate.yaml"])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[tokio::test]
async fn an_epoch_begins_beside_a_control_plane_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kubegate.yaml"), "store: {path: kubegate.db}\npolicy: policy.yaml\n").unwrap();
    let (out, err, code) = new_epoch(folder.path());
    assert!(err.contains("kubegate.db: there is no store (restore the backup"), "{err}");
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert!(!folder.path().join("kubegate.db").exists(), "a wrong path makes no store");

    let store = Store::open(&folder.path().join("kubegate.db")).await.unwrap();
    let (out, err, code) = new_epoch(folder.path());
    assert_eq!((err.as_str(), code), ("", Some(0)));
    let epoch = bundle_version::epoch(&mut store.read().await.unwrap()).await.unwrap().unwrap();
    assert!(epoch > 1_700_000_000 && out.contains(&format!("epoch {epoch} begins")), "{out}");
}

#[test]
fn a_configuration_without_a_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kubegate.yaml"), "stroe: {path: kubegate.db}\n").unwrap();
    let (_, err, code) = new_epoch(folder.path());
    assert!(err.contains("did you mean store?") && code == Some(1), "{err}");
}
