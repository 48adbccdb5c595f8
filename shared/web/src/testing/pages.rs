//! Checks for every page. Each site calls them with all of its pages.

use std::collections::{BTreeSet, HashSet};

use events::ids::Service;

use crate::pure::{
    assets::{self, Asset, CSS, JS},
    language::Language,
    layout::{Alive, Fragment, Frame, Theme},
};

/// Every page of a site, with its fragments.
pub struct Pages {
    /// What a page needs in addition to its view.
    pub frame: fn(Language, Theme, &Alive) -> Frame<'_>,
    pub alive: Alive,
    pub render: fn(Frame<'_>) -> Vec<(String, Vec<Fragment>)>,
}

impl Pages {
    fn frame(&self) -> Frame<'_> {
        (self.frame)(Language::En, Theme::Dark, &self.alive)
    }

    /// A page is complete, and states its language and theme.
    pub fn are_whole_in_every_language_and_theme(&self) {
        for language in Language::ALL {
            for theme in Theme::ALL {
                for (page, _) in (self.render)((self.frame)(language, theme, &self.alive)) {
                    assert!(page.starts_with("<!doctype html>"));
                    let root = format!("<html lang=\"{}\" data-theme=\"{}\" ", language.tag(), theme.name());
                    assert!(page.contains(&root));
                    assert!(page.trim_end().ends_with("</html>"));
                }
            }
        }
    }

    /// A page holds exactly the fragments of its stream, and each id once.
    pub fn hold_exactly_their_fragments(&self) {
        for (page, fragments) in (self.render)(self.frame()) {
            let all = ids(&page);
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "an id twice: {all:?}");
            for fragment in fragments {
                assert_eq!(ids(&fragment.html).first(), Some(&fragment.id.as_str()));
                assert!(page.contains(&fragment.html), "{} is not on its page", fragment.id);
            }
        }
    }

    /// A page contains nothing that a strict policy forbids; addresses of the site `linked` are allowed.
    pub fn obey_a_strict_policy(&self, linked: &str) {
        for (page, _) in (self.render)((self.frame)(Language::Fr, Theme::Dark, &self.alive)) {
            let page = if linked.is_empty() { page } else { page.replace(linked, "") };
            assert!(!page.contains("style=") && !page.contains("<style") && !page.contains(" onclick"));
            assert!(page.matches("<script").count() == page.matches("<script src=\"/assets/").count());
            assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("data:"));
        }
    }

    /// A fragment does not change with time alone.
    pub fn stand_still_while_nothing_happens(&self) {
        let now = self.frame();
        let later = Frame { now: now.now.plus_millis(60_000), ..now };
        for ((_, before), (_, after)) in (self.render)(now).into_iter().zip((self.render)(later)) {
            assert_eq!(before, after);
        }
    }

    /// Every page that moves names a standstill.
    pub fn name_a_standstill(&self) {
        let still = Alive { standing_still: vec![(Service::Warehouse, "orders")], ..self.alive.clone() };
        for (page, fragments) in (self.render)((self.frame)(Language::En, Theme::Dark, &still)) {
            // A page without fragments shows nothing current: a sign-in, a problem, an order that came too fast.
            let names_it = page.contains("warehouse gets none of the messages that wait for it on orders");
            assert_eq!(names_it, !fragments.is_empty(), "{page}");
        }
    }

    /// Every file that a page loads exists, a page loads every file of the site, and none loads from elsewhere.
    pub fn load(&self, of_site: &'static [Asset]) {
        let mut loaded = BTreeSet::new();
        for (page, _) in (self.render)(self.frame()) {
            for address in page.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()) {
                let name = address.split('?').next().unwrap_or_default();
                let known = assets::address(of_site, name);
                assert!(known.contains("?v=") && known.starts_with(&format!("/assets/{address}")), "{address}");
                loaded.insert(name.to_owned());
            }
        }
        for asset in of_site {
            assert!(loaded.contains(asset.name), "no page loads {}", asset.name);
        }
        are_our_own(of_site);
    }
}

fn ids(html: &str) -> Vec<&str> {
    html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// No file is empty or makes a browser load something from elsewhere.
pub fn are_our_own(assets: &[Asset]) {
    for asset in assets {
        assert!(!asset.bytes.is_empty(), "{}", asset.name);
        if [CSS, JS].contains(&asset.content_type) {
            let text = String::from_utf8_lossy(asset.bytes);
            // The first line of third-party files may name their source.
            let text = text.lines().filter(|line| !line.starts_with("/*! https://")).collect::<String>();
            assert!(!text.contains("//cdn") && !text.contains("https://"), "{}", asset.name);
        }
    }
}

/// Input of strangers, for every place where a page shows what somebody typed.
pub fn hostile() -> [String; 6] {
    let long = "w".repeat(500);
    let texts = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        &long,
        "\u{202e}drawkcab",
        "{{ frame }} {n}",
        "' onfocus=alert(1) '",
    ];
    texts.map(str::to_owned)
}

/// Typed text stays text on this page.
pub fn stays_text(page: &str, typed: &str) {
    assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains("\"'"), "{typed}");
    assert!(!page.contains("' onfocus"));
}
