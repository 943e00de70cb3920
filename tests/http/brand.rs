//! What panels load and what they see of themselves: the SDK, the page's list of framers, an issuer's brand.

use super::face::{Face, OTHER_PANEL, PANEL, token};
use consolegate::config::{Brand, Logo, LogoKind};
use std::sync::Arc;

const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

fn branded(kind: LogoKind) -> Brand {
    Brand {
        name: "Example Hosting".into(),
        logo: Some(Logo { kind, hash: "0123456789abcdef0123456789abcdef".into(), bytes: Arc::from(SVG) }),
        accent: Some("#1f6feb".into()),
        accent_dark: None,
    }
}

async fn opened(face: &Face) -> serde_json::Value {
    let answer = face.request("POST /v1/sessions", &[&format!("Authorization: Bearer {}", token())]).await;
    assert_eq!(answer.status, 201);
    answer.json()
}

#[tokio::test]
async fn a_session_tells_its_page_of_its_own_issuers_brand_alone() {
    let face = Face::with(|config| config.issuers[1].brand = Some(branded(LogoKind::Png))).await;
    assert!(opened(&face).await["brand"].is_null(), "another panel's");
    face.reload(|config| config.issuers[0].brand = Some(branded(LogoKind::Svg)));
    let brand = opened(&face).await["brand"].clone();
    let expected = serde_json::json!({
        "name": "Example Hosting", "logo": "brand/0123456789abcdef0123456789abcdef.svg",
        "accent": "#1f6feb", "accent_dark": null,
    });
    assert_eq!(brand, expected);
}

#[tokio::test]
async fn a_logo_is_an_image_and_nothing_in_it_runs() {
    let face = Face::with(|config| config.issuers[0].brand = Some(branded(LogoKind::Svg))).await;
    let answer = face.request("GET /brand/0123456789abcdef0123456789abcdef.svg", &[]).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, SVG));
    assert_eq!(answer.header("content-type"), "image/svg+xml");
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.ends_with("; sandbox"), "{policy}");
    for name in ["0123456789abcdef0123456789abcdef.png", "0123456789abcdef0123456789abcdef", "", "../console", "x.svg"]
    {
        assert_eq!(face.request(&format!("GET /brand/{name}"), &[]).await.status, 404, "{name}");
    }
    face.reload(|config| config.issuers[0].brand = None);
    assert_eq!(face.request("GET /brand/0123456789abcdef0123456789abcdef.svg", &[]).await.status, 404);
}

#[tokio::test]
async fn any_page_may_load_the_sdk_and_asks_for_a_new_one_each_time() {
    let face = Face::start().await;
    for (path, media) in
        [("/embed.js", "text/javascript; charset=utf-8"), ("/embed.d.ts", "application/typescript; charset=utf-8")]
    {
        let answer = face.request(&format!("GET {path}"), &["Origin: https://anybody.example"]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, media));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(answer.header("cache-control"), "no-cache");
        let tag = format!("If-None-Match: {}", answer.header("etag"));
        assert_eq!(face.request(&format!("GET {path}"), &[&tag]).await.status, 304);
    }
    let packed = face.request("GET /embed.js", &["Accept-Encoding: br"]).await;
    assert_eq!((packed.header("content-encoding"), packed.body.as_slice()), ("br", &b"brotli form\n"[..]));
    for path in ["/embed.ts", "/embed.js.br", "/embed.js/", "/embed"] {
        assert_eq!(face.request(&format!("GET {path}"), &[]).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_page_knows_who_may_frame_it() {
    let face = Face::start().await;
    let page = face.request("GET /console", &["Accept-Encoding: br, gzip"]).await;
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert!(text.contains(&format!("data-origins=\"{OTHER_PANEL} {PANEL}\"")), "{text}");
    assert!(!text.contains("{{"), "{text}");
    assert_eq!((page.header("content-encoding"), page.header("etag")), ("", ""));
    face.reload(|config| config.issuers.iter_mut().for_each(|issuer| issuer.origins.clear()));
    let text = String::from_utf8(face.request("GET /console", &[]).await.body).unwrap();
    assert!(text.contains("data-origins=\"\""), "{text}");
}

#[tokio::test]
async fn a_panels_frame_may_pass_on_the_clipboard_and_the_full_screen() {
    let policy = Face::start().await.request("GET /console", &[]).await.header("permissions-policy").to_owned();
    for feature in ["clipboard-read=(self)", "clipboard-write=(self)", "fullscreen=(self)", "camera=()"] {
        assert!(policy.split(", ").any(|part| part == feature), "{feature} in {policy}");
    }
    assert!(!policy.contains("bluetooth"), "no browser knows it: {policy}");
}
