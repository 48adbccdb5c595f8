//! The documents show the table of topics as it is.

use std::{fs, path::Path};

#[test]
fn the_architecture_page_shows_the_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/architecture.md");
    let text = fs::read_to_string(&page).unwrap();
    let (begin, end) = ("<!-- topics -->\n", "<!-- /topics -->");
    let from = text.find(begin).unwrap() + begin.len();
    let to = text.find(end).unwrap();
    let table = events::topics::markdown();
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        fs::write(&page, format!("{}{table}{}", &text[..from], &text[to..])).unwrap();
    } else {
        assert_eq!(&text[from..to], table, "WRITE_GOLDEN=1 writes the table as it is");
    }
}
