//! From the file as written to the configuration as meant, or to everything that is wrong with it.
//!
//! Owns the order of the sections and what they say of each other. Each section is read to its end whatever is wrong in
//! it, so one run shows every problem.

use super::files::{self, Folder, MAX_BYTES};
use super::problem::Problems;
use super::raw::{self, Section};
use super::{
    Config, Listen, Session, Store, check_admin, check_cluster, check_issuer, check_listen, check_rules, check_store,
    value,
};
use std::path::Path;

impl Config {
    /// Reads and checks a file and every file it names. Opens no connection.
    ///
    /// # Errors
    /// Everything that is wrong, with lines.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let file = path.display().to_string();
        let unreadable = |(what, fix): (String, String)| Problems::of_file(&file, what, fix);
        let absent = || {
            Problems::of_file(
                &file,
                "there is no such file",
                "make it with consolegate init, or name yours with --config",
            )
        };
        let bytes = match files::read_configuration(path) {
            // A folder that may not be looked into says nothing of its files.
            Err(_) if path.try_exists().is_ok_and(|exists| !exists) => return Err(absent()),
            read => read.map_err(unreadable)?,
        };
        let not_text = |_| Problems::of_file(&file, "it is not UTF-8", "save it as UTF-8 without a byte order mark");
        let text = String::from_utf8(bytes).map_err(not_text)?;
        // Absolute, so that what is read again later does not depend on the working directory.
        let path = std::path::absolute(path)
            .map_err(|error| Problems::of_file(&file, error.to_string(), "name the file by its full path"))?;
        let renamed = |problems| Problems { file: file.clone(), ..problems };
        Self::parse(&text, path.parent().unwrap_or(Path::new("/"))).map_err(renamed)
    }

    /// Checks the text of a configuration whose file names are relative to `folder`.
    ///
    /// # Errors
    /// Everything that is wrong, with lines.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Problems> {
        let file = "configuration";
        if text.starts_with('\u{feff}') {
            return Err(Problems::of_file(file, "it begins with a byte order mark", "save it as UTF-8 without one"));
        }
        if text.trim().is_empty() {
            return Err(Problems::of_file(file, "it is empty", "begin with examples/minimal.toml"));
        }
        if text.len() as u64 > MAX_BYTES {
            return Err(Problems::of_file(file, "it is larger than 1 MiB", "name the right file"));
        }
        let (document, report) = raw::parse(text);
        let config = read(Section::root(&document, &report), Folder::new(folder, &report));
        match config {
            Some(config) if report.is_clean() => Ok(Self { warnings: report.into_warnings(), ..config }),
            _ => Err(report.into_problems(file)),
        }
    }
}

/// Reads every section; none when something is wrong, which is then in the report.
pub(super) fn read(mut root: Section<'_>, folder: Folder<'_>) -> Option<Config> {
    let public_url = root
        .required_text("public_url", "https://console.example.com")
        .and_then(|written| value::origin(root.report(), &written));
    let listen = check_listen::listen(root.section_or_empty("listen"), folder, public_url.as_ref());
    if let (Some(url), Some(Listen { tls: Some(_), .. })) = (&public_url, &listen)
        && url.as_str().starts_with("http:")
    {
        let place = root.place_of("public_url");
        root.report().wrong(
            &place,
            "is http, but [listen] has a certificate",
            "write https://, or leave out listen.tls",
        );
    }
    let admin = check_admin::admin(root.section_or_empty("admin"), folder);

    if !root.has("cluster") {
        root.missing("cluster", "add a [[cluster]] with its nodes: without one there is nothing to connect to");
    }
    let (clusters, cluster_names) = check_cluster::clusters(root.sections("cluster"), folder);

    if !root.has("issuer") {
        root.missing("issuer", "add an [[issuer]] with its key: without one no token is accepted");
    }
    let issuers = check_issuer::issuers(root.sections("issuer"), &cluster_names, folder);

    let session = check_rules::session(root.section_or_empty("session"), folder);
    let limits = check_rules::limits(root.section_or_empty("limits"));
    let timeouts = check_rules::timeouts(root.section_or_empty("timeouts"));
    let drain = check_rules::drain(root.section_or_empty("drain"));
    let engine = check_rules::splice(root.section_or_empty("splice"));
    let store = check_store::store(root.section_or_empty("store"), folder);
    let metrics = check_rules::metrics(root.section_or_empty("metrics"));
    let log = check_rules::log(root.section_or_empty("log"));
    let audit_file = check_rules::audit(root.section("audit"), folder);
    if let (Some(Store::Redis(_)), Some(Session { key: None, .. })) = (&store, &session) {
        let what = "is missing, so that no gateway opens what another one sealed";
        let fix = "write key_file = \"session.key\" below [session]: the same file on every gateway of the fleet";
        root.missing_in("session.key_file", what, fix);
        return None;
    }
    let (mut listen, mut clusters, engine) = (listen?, clusters?, engine?);
    let files = listen.tls.iter_mut().map(|files| &mut files.engine);
    files.chain(clusters.iter_mut().map(|cluster| &mut cluster.engine)).for_each(|which| *which = engine);
    Some(Config {
        public_url: public_url?,
        listen,
        admin: admin?,
        issuers: issuers?,
        clusters,
        session: session?,
        limits: limits?,
        timeouts: timeouts?,
        store: store?,
        drain: drain?,
        per_session: metrics?,
        log: log?,
        audit_file: audit_file?,
        warnings: Vec::new(),
    })
}
