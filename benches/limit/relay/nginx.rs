//! nginx as a WebSocket proxy of one worker, with its defaults wherever they let a console through.

use crate::Outcome;
use crate::ground::Ground;
use std::net::SocketAddr;

/// Writes its configuration; the command that runs it.
pub fn command(ground: &Ground, address: SocketAddr) -> Outcome<Vec<String>> {
    let folder = ground.folder().display();
    let (node, descriptors) = (ground.node, ground.descriptors);
    let connections = descriptors - 100;
    let (ip, port) = (address.ip(), address.port());
    let text = format!(
        r#"
daemon off;
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {folder}/nginx-{port}.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen {ip}:{port} ssl backlog=4096;
        ssl_certificate leaf.pem;
        ssl_certificate_key leaf.key;
        ssl_protocols TLSv1.3;
        location / {{
            proxy_pass https://{node};
            proxy_ssl_protocols TLSv1.3;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
        }}
    }}
}}
"#
    );
    let name = format!("nginx-{port}.conf");
    ground.certificates.write(&name, &text)?;
    let configuration = ground.certificates.path(&name).display().to_string();
    let log = format!("{folder}/nginx-{port}-start.log");
    let words = ["/usr/sbin/nginx", "-p", &folder.to_string(), "-e", &log, "-c", &configuration];
    Ok(words.map(str::to_owned).to_vec())
}
