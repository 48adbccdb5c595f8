//! The speaker's document shows the acts as they are.

use std::{fs, path::Path};

use stage::{Language, acts};

#[test]
fn the_talk_shows_the_acts() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/talk.md");
    let text = fs::read_to_string(&page).unwrap();
    let (begin, end) = ("<!-- acts -->\n", "<!-- /acts -->");
    let from = text.find(begin).unwrap() + begin.len();
    let to = text.find(end).unwrap();
    let script = acts::markdown(Language::En);
    if std::env::var_os("WRITE_DOCS").is_some() {
        fs::write(&page, format!("{}{script}{}", &text[..from], &text[to..])).unwrap();
    } else {
        assert_eq!(&text[from..to], script, "WRITE_DOCS=1 writes the acts as they are");
    }
}

/// The token is where the speaker's document says.
#[test]
fn the_talk_says_where_compose_keeps_the_token() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let command = "docker compose exec stage cat /data/presenter-token";
    for page in ["docs/talk.md", "README.md", "docker-compose.yml"] {
        assert!(fs::read_to_string(root.join(page)).unwrap().contains(command), "{page}");
    }
    let compose = fs::read_to_string(root.join("docker-compose.yml")).unwrap();
    assert!(compose.contains("DATA_DIR: /data"), "the token is elsewhere");
}
