//! The page and its files: forms, tags, and the policy that keeps the page to itself.

use super::face::{Face, OTHER_PANEL, PANEL};

const ASSET: &str = "/assets/app-0A1B2C3D.js";

#[tokio::test]
async fn p07_the_page_trusts_nothing_but_itself() {
    let face = Face::start().await;
    let answer = face.request("GET /console?theme=dark&token=ignored", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    assert!(answer.header("permissions-policy").contains("camera=()"));
    assert_eq!(answer.header("x-frame-options"), "", "it would forbid the panels");
    assert_eq!(answer.header("set-cookie"), "");
    let policy = answer.header("content-security-policy");
    let directives: Vec<_> = policy.split("; ").collect();
    for expected in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self' wss://console.example.com",
        &format!("frame-ancestors 'self' {OTHER_PANEL} {PANEL}"),
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(directives.contains(&expected), "{expected} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn files_come_in_the_form_the_client_takes() {
    let face = Face::start().await;
    for (accept, encoding, body) in
        [("gzip, br", "br", "brotli form\n"), ("gzip", "", "export {};\n"), ("identity", "", "export {};\n")]
    {
        let answer = face.request(&format!("GET {ASSET}"), &[&format!("Accept-Encoding: {accept}")]).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, encoding));
        assert_eq!(answer.body, body.as_bytes());
        assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn h21_a_known_tag_is_304_and_each_form_has_its_own() {
    let face = Face::start().await;
    let plain = face.request(&format!("GET {ASSET}"), &[]).await.header("etag").to_owned();
    let brotli = face.request(&format!("GET {ASSET}"), &["Accept-Encoding: br"]).await.header("etag").to_owned();
    assert!(plain.starts_with('"') && plain != brotli, "{plain} {brotli}");
    for known in [plain.clone(), format!("W/{plain}"), format!("\"other\", {plain}"), "*".into()] {
        let answer = face.request(&format!("GET {ASSET}"), &[&format!("If-None-Match: {known}")]).await;
        assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, plain.as_str()), "{known}");
    }
    let other = face.request(&format!("GET {ASSET}"), &[&format!("If-None-Match: {brotli}")]).await;
    assert_eq!(other.status, 200);
    let odd = ["If-Modified-Since: yesterday", "If-Range: \"x\"", "If-Match: \"x\"", "If-Unmodified-Since: 0"];
    assert_eq!(face.request(&format!("GET {ASSET}"), &odd).await.status, 200);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let face = Face::start().await;
    for path in ["/console", ASSET, "/healthz"] {
        let get = face.request(&format!("GET {path}"), &[]).await;
        let head = face.request(&format!("HEAD {path}"), &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}
