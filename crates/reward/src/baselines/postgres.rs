//! A store in a PostgreSQL server, which processes of many machines share.
//!
//! A claim ends with the session of whoever made it: each holds an advisory lock under its number, which the server takes back when
//! the connection ends, however that happens. So a process that lost its connection lost its claims too, and another one may measure
//! what it is measuring; the first completion counts. All writers share one more lock, from the beginning of a unit of work to its end, as they do in
//! SQLite: a unit is a few statements, and which runs are there must not change between looking and claiming.
//!
//! PostgreSQL's text has no NUL character. Texts of models may, so it is written as two others ([`written`]).

use super::{
    StoreError,
    database::{APPLICATION, Column, Fault, Row, VERSION, Value, tables},
    place::Place,
};
use postgres::{
    Client, Config, NoTls, Statement,
    config::{Host, SslMode},
    fallible_iterator::FallibleIterator,
    types::{IsNull, ToSql, Type, to_sql_checked},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{
    borrow::Cow,
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection may take to come about.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection, made again when it was lost.
pub(super) struct Postgres {
    config: Config,
    client: Option<Client>,
    statements: HashMap<&'static str, Statement>,
    owner: i64,
    /// Between the beginning of a unit of work and its end; another connection knows nothing of what was begun.
    in_unit: bool,
}

/// What an error says, with what the server said: its own text is only that there was one.
pub(super) fn told(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("the server says: {}", said.message()),
        None => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(inner) = cause {
                text = format!("{text}: {inner}");
                cause = inner.source();
            }
            text
        }
    }
}

/// Stands before what stands for another character. No text has it: it is none that texts are exchanged in (a noncharacter).
const ESCAPE: char = '\u{FDD0}';

/// A text without NUL.
fn written(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, "\u{FDD0}1").replace('\0', "\u{FDD0}0"))
}

/// What [`written`] made it of.
fn read(text: &str) -> String {
    if !text.contains(ESCAPE) {
        return text.to_owned();
    }
    text.replace("\u{FDD0}0", "\0").replace("\u{FDD0}1", "\u{FDD0}")
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(number) => number.to_sql(kind, out),
            Value::Real(number) => number.to_sql(kind, out),
            Value::Text(text) => written(text).as_ref().to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::FLOAT8, Type::TEXT].contains(kind)
    }

    to_sql_checked!();
}

fn row(row: &postgres::Row) -> Result<Row, Fault> {
    let values = row.columns().iter().enumerate().map(|(index, column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(index)?.into(),
            _ => row.try_get::<_, Option<&str>>(index)?.map(read).into(),
        })
    });
    Ok(Row::new(values.collect::<Result<_, Fault>>()?))
}

impl Postgres {
    /// Connects, and makes the tables where there are none.
    pub fn open(address: &str, place: &Place) -> Result<Postgres, StoreError> {
        let fault = |fault| StoreError::of(place, fault);
        let mut config: Config = address.parse().map_err(|error: postgres::Error| fault(error.into()))?;
        if config.get_password().is_none()
            && let Ok(password) = env::var("PGPASSWORD")
        {
            config.password(password);
        }
        config.application_name("tracelift");
        config.connect_timeout(*config.get_connect_timeout().unwrap_or(&PATIENCE));
        // Whether a server's certificate is any good is asked where its address says that there is one to ask for.
        if !address.contains("sslmode=") {
            config.ssl_mode(if config.get_hosts().iter().all(is_here) {
                SslMode::Disable
            } else {
                SslMode::Prefer
            });
        }
        let owner = rand::random::<i64>();
        let mut postgres =
            Postgres { config, client: None, statements: HashMap::new(), owner, in_unit: false };
        postgres.set_up().map_err(fault)?;
        match postgres.version().map_err(fault)? {
            found if found == VERSION => Ok(postgres),
            found => Err(StoreError::Version { store: place.to_string(), found: found.to_string() }),
        }
    }

    /// The tables, made once, whoever comes first.
    fn set_up(&mut self) -> Result<(), Fault> {
        let make = format!(
            "BEGIN; SELECT pg_advisory_xact_lock({APPLICATION});
             DO $make$ BEGIN IF to_regclass('tracelift_store') IS NULL THEN
             {}
             CREATE TABLE tracelift_store (version BIGINT NOT NULL);
             INSERT INTO tracelift_store VALUES ({VERSION});
             END IF; END $make$; COMMIT",
            tables("")
        );
        let made = self.client()?.batch_execute(&make);
        if made.is_err() {
            // What went wrong before is what is told.
            let _ = self.end("ROLLBACK");
        }
        Ok(made?)
    }

    fn version(&mut self) -> Result<i64, Fault> {
        self.number("SELECT version FROM tracelift_store", &[])
    }

    /// The only number of the only row.
    fn number<T: Column>(&mut self, sql: &'static str, values: &[Value]) -> Result<T, Fault> {
        let mut found = Err(Fault::Column("no row".to_owned()));
        self.each(sql, values, &mut |mut row| {
            found = row.take();
            false
        })?;
        found
    }

    pub fn owner(&self) -> i64 {
        self.owner
    }

    /// A lock that can be had is nobody's.
    pub fn is_there(&mut self, owner: i64) -> Result<bool, Fault> {
        // True and false as whole numbers: they are all that a row has.
        let sql = "SELECT CASE WHEN pg_try_advisory_lock_shared($1) THEN CAST(1 AS BIGINT) ELSE 0 END";
        let free: bool = self.number(sql, &[owner.into()])?;
        if free {
            self.each("SELECT CAST(pg_advisory_unlock_shared($1) AS TEXT)", &[owner.into()], &mut |_| false)?;
        }
        Ok(!free)
    }

    /// The connection; a new one where there is none any more.
    fn client(&mut self) -> Result<&mut Client, Fault> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            if self.in_unit {
                return Err(Fault::Lost("the connection ended in the middle of a unit of work".to_owned()));
            }
            self.statements.clear();
            let mut client = match self.config.get_ssl_mode() {
                SslMode::Disable => self.config.connect(NoTls)?,
                _ => self.config.connect(tls()?)?,
            };
            client.execute("SELECT pg_advisory_lock($1)", &[&self.owner])?;
            self.client = Some(client);
        }
        self.current()
    }

    /// The connection as it is.
    fn current(&mut self) -> Result<&mut Client, Fault> {
        self.client.as_mut().ok_or_else(|| Fault::Lost("there is no connection".to_owned()))
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement, Fault> {
        self.client()?;
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client()?.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    pub fn begin(&mut self) -> Result<(), Fault> {
        let begin = format!("BEGIN; SELECT pg_advisory_xact_lock({APPLICATION})");
        self.client()?.batch_execute(&begin)?;
        self.in_unit = true;
        Ok(())
    }

    /// Ends a unit of work, in the connection that it was begun in.
    pub fn end(&mut self, sql: &str) -> Result<(), Fault> {
        self.in_unit = false;
        Ok(self.current()?.batch_execute(sql)?)
    }

    pub fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<(), Fault> {
        let statement = self.statement(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        self.client()?.execute(&statement, &values)?;
        Ok(())
    }

    pub fn each(
        &mut self,
        sql: &'static str,
        values: &[Value],
        each: &mut dyn FnMut(Row) -> bool,
    ) -> Result<(), Fault> {
        let statement = self.statement(sql)?;
        let mut rows = self.client()?.query_raw(&statement, values)?;
        while let Some(next) = rows.next()? {
            if !each(row(&next)?) {
                break;
            }
        }
        Ok(())
    }
}

/// This machine, whose own traffic needs no certificate.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Certificates of the usual authorities, or of those in the file that `PGSSLROOTCERT` names.
fn tls() -> Result<MakeRustlsConnect, Fault> {
    let roots = match env::var_os("PGSSLROOTCERT").map(PathBuf::from) {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(path) => certificates(&path).map_err(|detail| Fault::Certificates { path, detail })?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::Lost(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_goes_without_nul() {
        for text in ["", "plain", "\0", "a\0b\u{FDD0}c", "\u{FDD0}0", "\u{FDD0}1\0", "\u{FDD0}\u{FDD0}0"] {
            let kept = written(text);
            assert!(!kept.contains('\0'));
            assert_eq!(read(&kept), text, "{kept:?}");
        }
    }
}
