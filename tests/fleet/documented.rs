//! What docs/fleet.md says of Redis is enough for a fleet.

use super::gateway::{SECRET, TestGateway, token};
use super::redis::Redis;
use super::{NODES, cluster, toml};
use consolegate::reason::Reason;
use serde_json::json;

#[tokio::test]
async fn a_user_of_redis_with_the_commands_of_the_documentation_may_do_all_that_a_gateway_does() {
    let (sim, redis) = (cluster().await, Redis::start().await);
    let page = include_str!("../../docs/fleet.md");
    let (_, rest) = page.split_once("The user needs `").unwrap();
    let (commands, rest) = rest.split_once("` on `").unwrap();
    let (keys, _) = rest.split_once('`').unwrap();
    let mut user: Vec<String> = ["ACL", "SETUSER", "gate", "on", keys, "-@all"].map(str::to_owned).into();
    user.push(format!(">{SECRET}"));
    user.extend(commands.split_whitespace().map(|command| format!("+{}", command.to_lowercase())));
    redis.told(&user.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // The password lies in a file that is there already.
    let store = redis.toml().replace("redis://", "redis://gate@").replacen(
        "[session]",
        "password_file = \"panel.key\"\n[session]",
        1,
    );
    let (one, other) = (
        TestGateway::start(&sim, NODES, &toml(&store, "")).await,
        TestGateway::start(&sim, NODES, &toml(&store, "")).await,
    );
    let page = one.session(&token(100, |_| {})).await;
    let mut client = one.open_with(page["ticket"].as_str().unwrap_or_else(|| panic!("{page}"))).await;
    client.log_in().await.unwrap();
    assert_eq!(other.lists(1).await[0]["guest"], json!("qemu/100"));
    let resumed = other.session(page["resume"].as_str().unwrap()).await;
    let mut again = other.open_with(resumed["ticket"].as_str().unwrap()).await;
    again.log_in().await.unwrap();
    assert!(client.ended().await.is(Reason::TakenOver));
    assert_eq!(one.ops("POST /v1/revocations", r#"{"subject":"customer-42"}"#).await.0, 201);
    assert!(again.ended().await.is(Reason::Revoked));
    one.lists(0).await;
}
