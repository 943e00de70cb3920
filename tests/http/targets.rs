//! H18 and H23: targets that try to be something else.

use super::client::Answer;
use super::face::{Face, HOST};

#[tokio::test]
async fn h18_odd_targets_lead_nowhere_and_no_answer_redirects() {
    let face = Face::start().await;
    for target in [
        "//example.com/%2F..",
        "///x",
        "/..;/",
        "/%00",
        "/%252e%252e/",
        "/console/",
        "/console/..",
        "/./console",
        "//console",
        "/Console",
        "/console%2f",
        "/\\evil.example.com",
        "\\\\evil.example.com\\",
        "http://console.example.com/console",
        "https://evil.example.com/",
        "evil.example.com:443",
        "*",
        "?x",
        "/metrics",
        "/v1/sessions/",
        "/v1/drain",
        "/embed.ts",
    ] {
        let answer = face.request(&format!("GET {target}"), &[]).await;
        assert!([400, 404].contains(&answer.status), "{target}: {}", answer.head);
        assert_eq!(answer.header("location"), "", "{target}");
    }
    let fragment = face.raw(format!("GET /console#x HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n")).await;
    assert!([200, 400, 404].contains(&fragment.status));
    assert_eq!(fragment.header("location"), "");
    assert_eq!(face.request("OPTIONS *", &[]).await.status, 400);
}

#[tokio::test]
async fn h23_files_are_known_names_and_nothing_else() {
    let face = Face::start().await;
    assert_eq!(face.request("GET /assets/app-0A1B2C3D.js", &[]).await.status, 200);
    for path in [
        "/assets/",
        "/assets",
        "/assets/nothing.js",
        "/assets/../console.html",
        "/assets/..%2fconsole.html",
        "/assets/%2e%2e/console.html",
        "/assets/%252e%252e/console.html",
        "/assets/..\\console.html",
        "/assets/..;/console.html",
        "/assets//app-0A1B2C3D.js",
        "/assets/./app-0A1B2C3D.js",
        "/assets/app-0A1B2C3D.js%00",
        "/assets/app-0A1B2C3D.js%00.css",
        "/assets/app-0A1B2C3D.js/",
        "/assets/APP-0A1B2C3D.JS",
        "/assets/app-0A1B2C3D.js.map",
        "/assets/app-0A1B2C3D.js.br",
        "/assets/app-0A1B2C3D.js.gz",
        "/assets/.hidden",
        "/assets/%61pp-0A1B2C3D.js",
        "/assets//etc/passwd",
        "/assets/../../../../../../etc/passwd",
        "/console.html",
        "/manifest.json",
    ] {
        let answer = face.request(&format!("GET {path}"), &[]).await;
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.head);
    }
}

#[tokio::test]
async fn a_person_who_asks_for_what_is_not_there_reads_words_and_a_program_gets_problem_details() {
    let face = Face::start().await;
    let browser = ["Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"];
    let words = |answer: &Answer| String::from_utf8(answer.body.clone()).unwrap();
    for path in ["/", "/index.html", "/console/", "/favicon.ico"] {
        let answer = face.request(&format!("GET {path}"), &browser).await;
        assert_eq!((answer.status, answer.header("content-type")), (404, "text/plain; charset=utf-8"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let expected = "There is nothing here.\nConsoles open from a link in your provider's panel.\n";
        assert_eq!(words(&answer), expected, "{path}");
    }
    let refused = face.request("GET /v1/sessions", &browser).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "post, options"));
    assert!(words(&refused).starts_with("This method is not allowed here."), "{}", words(&refused));
    assert!(words(&refused).contains("\n\nReference "), "{}", words(&refused));
    let program = face.request("GET /", &["Accept: */*"]).await;
    assert_eq!((program.status, program.code().as_str()), (404, "not_found"));
}
