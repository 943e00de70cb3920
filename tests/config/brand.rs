//! `[issuer.brand]`: what a page may wear, and which words refuse the rest.

use super::gate::Gate;
use super::{changed, one, problems};
use consolegate::config::{Brand, Config, LogoKind};

const PLACE: &str = "clusters = [\"eu1\"]";
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

fn branded(keys: &str) -> String {
    format!("{PLACE}\n[issuer.brand]\n{keys}\n")
}

fn brand(gate: &Gate, keys: &str) -> Brand {
    let config = Config::parse(&changed(PLACE, &branded(keys)), gate.path()).unwrap_or_else(|found| panic!("{found}"));
    config.issuers[0].brand.clone().expect("a brand")
}

#[test]
fn a_brand_is_a_name_and_what_else_there_is() {
    let gate = Gate::new();
    let plain = brand(&gate, "name = \"Example Hosting\"");
    assert_eq!((plain.name.as_str(), plain.accent, plain.accent_dark), ("Example Hosting", None, None));
    assert!(plain.logo.is_none());
    // The content says what it is, not the name.
    gate.write("logo.png", SVG, 0o644);
    let full = brand(&gate, "name = \"é\"\nlogo_file = \"logo.png\"\naccent = \"#1F6FEB\"\naccent_dark = \"#58a6ff\"");
    assert_eq!((full.accent.as_deref(), full.accent_dark.as_deref()), (Some("#1f6feb"), Some("#58a6ff")));
    let logo = full.logo.unwrap();
    assert_eq!((logo.kind, logo.hash.len(), &*logo.bytes), (LogoKind::Svg, 32, SVG.as_bytes()));
    assert_eq!(brand(&gate, &format!("name = \"{}\"", "n".repeat(64))).name.len(), 64);
}

#[test]
fn what_is_wrong_with_a_brand_is_said_with_its_place_and_cure() {
    let gate = Gate::new();
    gate.write("logo.svg", SVG, 0o644);
    gate.write("page.svg", "<!doctype html><svg/>", 0o644);
    gate.write("large.svg", format!("{SVG}{}", " ".repeat(64 * 1024)), 0o644);
    gate.write("shared.svg", SVG, 0o646);
    for (keys, path, word) in [
        ("accent = \"#1f6feb\"", "issuer[0].brand.name", "is missing; add name = \"Example Hosting\""),
        ("name = \"\"", "issuer[0].brand.name", "is not a name"),
        (&format!("name = \"{}\"", "n".repeat(65)), "issuer[0].brand.name", "longer than 64 characters"),
        ("name = 1", "issuer[0].brand.name", "expected a text"),
        ("name = \"a\\nb\"", "issuer[0].brand.name", "is not a name"),
        ("name = \"a\"\naccent = \"blue\"", "issuer[0].brand.accent", "\"blue\" is not a colour; write #"),
        ("name = \"a\"\naccent_dark = \"#12345\"", "issuer[0].brand.accent_dark", "is not a colour"),
        ("name = \"a\"\naccent = \"#12345g\"", "issuer[0].brand.accent", "is not a colour"),
        ("name = \"a\"\naccent = 1", "issuer[0].brand.accent", "expected a text"),
        ("name = \"a\"\nlogo_file = \"gone.svg\"", "issuer[0].brand.logo_file", "cannot be read"),
        ("name = \"a\"\nlogo_file = \"page.svg\"", "issuer[0].brand.logo_file", "is neither SVG nor PNG; save it"),
        ("name = \"a\"\nlogo_file = \"large.svg\"", "issuer[0].brand.logo_file", "larger than 64 KiB"),
        ("name = \"a\"\nlogo_file = \"shared.svg\"", "issuer[0].brand.logo_file", "chmod o-w"),
        ("name = \"a\"\nlogo = \"logo.svg\"", "issuer[0].brand.logo", "did you mean logo_file?"),
    ] {
        one(&problems(&gate, PLACE, &branded(keys)), path, word);
    }
    one(&problems(&gate, PLACE, &format!("{PLACE}\nbrand = \"x\"")), "issuer[0].brand", "expected a table");
}
