//! A proxy in the environment, which is for the world outside. (The demo of the whole-suite tests runs with a dead
//! one.)

use std::fs;

use super::{files, top};

#[test]
fn no_script_asks_a_proxy_for_what_runs_here() {
    let scripts = fs::read_dir(top().join("scripts")).unwrap().map(|entry| entry.unwrap().path());
    let files = scripts.chain([top().join(".ci/run"), top().join("docker-compose.yml")]);
    let mut calls = 0;
    for path in files.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&path).unwrap().replace("[CMD, curl, ", "curl ");
        for call in text.split("curl ").skip(1).filter(|call| call.starts_with('-')) {
            calls += 1;
            assert!(call.starts_with("--noproxy"), "{}: curl {}", path.display(), call.lines().next().unwrap());
        }
    }
    assert!(calls > 5);
}

#[test]
fn no_client_asks_a_proxy_for_what_runs_here() {
    let mut sources = Vec::new();
    for folder in ["shared", "services", "scripts/suite/src"] {
        files(&top().join(folder), &mut sources);
    }
    // The one place that decides by the address.
    sources.retain(|path| path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("bus/src/http.rs"));
    assert!(sources.len() > 100);
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let is_ours = !path.starts_with(top().join("shared/bus/vendor"));
        for usual in ["Client::new()", "Client::default()", "reqwest::get("] {
            assert!(!is_ours || !text.contains(usual), "{}: see bus::http_client", path.display());
        }
        for client in text.split("Client::builder()").skip(1) {
            let statement = client.split(';').next().unwrap();
            assert!(statement.contains(".no_proxy()"), "{}: see bus::http_client", path.display());
        }
    }
}
