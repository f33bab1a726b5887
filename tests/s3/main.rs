//! `s3-server FOLDER [--port PORT]`: serves the folders of FOLDER as buckets until it is ended.

use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use cowry_s3_server::{ACCESS_KEY, SECRET_KEY, Server};

/// A server on loopback that speaks S3 over a folder. For trying things out, not for production.
#[derive(Parser)]
struct Arguments {
    /// The folder whose folders are buckets; it is made if it is missing
    folder: PathBuf,
    /// The port on 127.0.0.1
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// A bucket to make
    #[arg(long)]
    bucket: Vec<String>,
}

fn main() {
    let arguments = Arguments::parse();
    let failed = |problem: String| -> ! {
        eprintln!("s3-server: {problem}");
        std::process::exit(1)
    };
    for bucket in arguments.bucket.iter().map(String::as_str).chain([""]) {
        if let Err(error) = std::fs::create_dir_all(arguments.folder.join(bucket)) {
            failed(format!("{}: {error}", arguments.folder.display()));
        }
    }
    let server = Server::serve(&arguments.folder, arguments.port).unwrap_or_else(|problem| failed(problem));
    let lines = format!(
        "export AWS_ENDPOINT_URL={}\nexport AWS_ACCESS_KEY_ID={ACCESS_KEY}\nexport AWS_SECRET_ACCESS_KEY={SECRET_KEY}\n",
        server.endpoint()
    );
    let _ = std::io::stdout().write_all(lines.as_bytes());
    let _ = std::io::stdout().flush();
    server.join();
}
