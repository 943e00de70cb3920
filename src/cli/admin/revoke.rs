//! `revoke`: withdraws a token, a subject, an issuer or a guest, in the whole fleet.

use super::{Gateway, print};
use crate::cli::exit::Stop;
use crate::id::{ClusterName, Vmid};
use hyper::Method;
use serde_json::json;

/// Arguments of `revoke`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What fits every part that is given, and was signed until now, ends within seconds and opens no more.\n\n\
Examples:\n  consolegate revoke --subject customer-42\n  consolegate revoke --cluster eu1 --vmid 100"
)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    gateway: Gateway,
    /// The panel.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// The panel's user.
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,
    /// The connect token, by its jti.
    #[arg(long, value_name = "JTI")]
    jti: Option<String>,
    /// The guest's cluster.
    #[arg(long, value_name = "NAME", requires = "vmid")]
    cluster: Option<ClusterName>,
    /// The guest's number.
    #[arg(long, value_name = "NUMBER", value_parser = crate::cli::vmid, requires = "cluster")]
    vmid: Option<Vmid>,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<(), Stop> {
    let Arguments { gateway, issuer, subject, jti, cluster, vmid } = arguments;
    if issuer.is_none() && subject.is_none() && jti.is_none() && vmid.is_none() {
        return Err(Stop::Usage(
            "nothing to revoke; name --subject, --jti, --issuer, or --cluster and --vmid".to_owned(),
        ));
    }
    let wish = json!({ "issuer": issuer, "subject": subject, "jti": jti, "cluster": cluster, "vmid": vmid });
    print(&gateway.ask(Method::POST, "/v1/revocations", &wish.to_string())?)
}
