//! H08 to H10, T32 and CORS: which pages may bring a token.

use super::client::{Answer, handshake, head};
use super::face::{Face, HOST, OTHER_PANEL, PANEL, token, token_with};

/// A handshake with the token among the subprotocols, as a page makes it.
async fn page(face: &Face, origin: Option<&str>, token: &str) -> Answer {
    let offer = format!("Sec-WebSocket-Protocol: binary, consolegate.{token}");
    let origin = origin.map(|origin| format!("Origin: {origin}"));
    let headers: Vec<&str> = [Some(offer.as_str()), origin.as_deref()].into_iter().flatten().collect();
    face.upgrade(&headers).await
}

#[tokio::test]
async fn h08_a_page_says_which_page_it_is() {
    let face = Face::start().await;
    let token = token();
    let answer = page(&face, None, &token).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "origin_refused"));
    assert_eq!(page(&face, Some(PANEL), &token).await.status, 101, "the refused token was not spent");
    let native = face.upgrade(&[&format!("Authorization: Bearer {}", super::face::token())]).await;
    assert_eq!(native.status, 101, "no browser can send Authorization");
}

#[tokio::test]
async fn h09_look_alike_origins_are_refused() {
    let face = Face::start().await;
    let token = token();
    for origin in [
        "null",
        "https://panel.example.com.evil.net",
        "https://evilpanel.example.com",
        "http://panel.example.com",
        "https://panel.example.com:8443",
        "https://user@panel.example.com",
        "https://panel.example.com.",
        "https://panel.example.com/",
        "https://panel.example.com, https://evil.net",
        "https://panel.example.com https://evil.net",
        "panel.example.com",
        "*",
        "",
    ] {
        let answer = page(&face, Some(origin), &token).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "origin_refused"), "{origin}");
    }
    let two = format!("{PANEL}\r\nOrigin: {PANEL}");
    assert_eq!(page(&face, Some(&two), &token).await.status, 403);
    assert_eq!(page(&face, Some(OTHER_PANEL), &token).await.status, 403, "another panel's page");
    assert_eq!(face.asked(), 0);
    assert_eq!(page(&face, Some("https://Panel.Example.COM"), &token).await.status, 101);
    assert_eq!(page(&face, Some(&format!("https://{HOST}")), &super::face::token()).await.status, 101, "its own page");
}

#[tokio::test]
async fn h10_a_host_never_widens_the_list() {
    let face = Face::start().await;
    let token = token();
    let offer = format!("Sec-WebSocket-Protocol: consolegate.{token}");
    let evil = handshake(&[&offer, "Origin: https://evil.com"]);
    let with_host = evil.replace(&format!("Host: {HOST}"), "Host: evil.com");
    assert_eq!(face.raw(with_host).await.status, 403);
    assert_eq!(face.raw(evil).await.status, 403);
    for forged in ["X-Forwarded-Host: evil.com", "Forwarded: host=evil.com;proto=https"] {
        let answer = face.raw(handshake(&[&offer, "Origin: https://evil.com", forged])).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "origin_refused"), "{forged}");
    }
    assert_eq!(page(&face, Some(PANEL), &token).await.status, 101);
}

#[tokio::test]
async fn t30_a_token_bound_to_a_page_opens_from_there_alone() {
    let face = Face::start().await;
    let bound = token_with(|claims| claims["origin"] = PANEL.into());
    let own = format!("https://{HOST}");
    let answer = page(&face, Some(&own), &bound).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_bound_elsewhere"));
    assert_eq!(page(&face, Some(PANEL), &bound).await.status, 101, "t32: it was not spent");
}

#[tokio::test]
async fn cors_answers_listed_pages_by_name() {
    let face = Face::start().await;
    let ask = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"];
    for origin in [PANEL, OTHER_PANEL] {
        let answer = face.request("OPTIONS /v1/sessions", &[&ask[..], &[&format!("Origin: {origin}")]].concat()).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, origin));
        assert_eq!(answer.header("access-control-allow-methods"), "post");
        assert_eq!(answer.header("access-control-allow-headers"), "authorization");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        assert_eq!(answer.header("vary"), "origin");
    }
    for origin in ["https://evil.net", "null"] {
        let origin = format!("Origin: {origin}");
        for line in ["OPTIONS /v1/sessions", "POST /v1/sessions"] {
            let answer = face.request(line, &[&origin]).await;
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, ""));
            assert_eq!(answer.header("vary"), "origin");
        }
    }
    let refused = face.request("POST /v1/sessions", &[&format!("Origin: {PANEL}")]).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, PANEL), "pages read refusals");
    assert_eq!(face.request("OPTIONS /v1/sessions", &[]).await.status, 403);
    let elsewhere = face.raw(head("GET /console", "close", &[&format!("Origin: {PANEL}")])).await;
    assert_eq!(elsewhere.header("access-control-allow-origin"), "");
}
