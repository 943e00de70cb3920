//! The connection to Redis: made when it is needed, made again when it broke, and never waited for long.

use crate::config::RedisPlace;
use crate::reason::{Failure, Reason};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline, RedisConnectionInfo, TlsCertificates};
use std::fmt;
use std::time::Duration;
use tokio::sync::OnceCell;

pub(super) use crate::config::RedisPlace as Place;

/// For a connection and for an answer.
const WITHIN: Duration = Duration::from_secs(2);

/// A connection, made at the first question: a gateway starts though its store does not.
pub(super) struct Connection {
    client: Client,
    manager: OnceCell<ConnectionManager>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    /// A connection to this place.
    ///
    /// # Errors
    /// In the operator's words: certificates that cannot be used.
    pub(super) fn new(place: &RedisPlace) -> Result<Self, String> {
        let wrong = |error: redis::RedisError| format!("store.url: {error}");
        let mut settings = RedisConnectionInfo::default().set_db(place.database);
        if let Some(user) = &place.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = place.password.as_ref().and_then(|password| password.reveal_text()) {
            settings = settings.set_password(password);
        }
        let scheme = if place.tls { "rediss" } else { "redis" };
        let address = format!("{scheme}://{}", place.authority);
        // A host that vanished without a word is left as soon as one that says no.
        let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(WITHIN * 2);
        let info = address.as_str().into_connection_info().map_err(wrong)?;
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        let client = if place.tls {
            Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: place.ca.clone() })
        } else {
            Client::open(info)
        };
        Ok(Self { client: client.map_err(wrong)?, manager: OnceCell::new() })
    }

    /// The answer to one question.
    ///
    /// # Errors
    /// `store_down`.
    pub(super) async fn ask<T: FromRedisValue>(&self, question: &Cmd) -> Result<T, Failure> {
        let mut manager = self.manager().await?;
        question.query_async(&mut manager).await.map_err(|error| down(&error))
    }

    /// The answers to several, asked at once.
    ///
    /// # Errors
    /// `store_down`.
    pub(super) async fn ask_all<T: FromRedisValue>(&self, questions: &Pipeline) -> Result<T, Failure> {
        let mut manager = self.manager().await?;
        questions.query_async(&mut manager).await.map_err(|error| down(&error))
    }

    async fn manager(&self) -> Result<ConnectionManager, Failure> {
        let made = || async {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(WITHIN))
                .set_response_timeout(Some(WITHIN))
                .set_number_of_retries(1)
                .set_max_delay(Duration::from_millis(200));
            ConnectionManager::new_lazy_with_config(self.client.clone(), config).map_err(|error| down(&error))
        };
        self.manager.get_or_try_init(made).await.cloned()
    }
}

/// That the store cannot be asked, and why.
pub(super) fn down(error: &impl fmt::Display) -> Failure {
    Failure::new(Reason::StoreDown, format!("the store: {error}"))
}
