//! A server that sends back the bytes it was given, right or wrong, whatever is asked.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// What is sent, and then the connection is closed.
#[derive(Clone)]
pub enum Answer {
    /// All at once.
    Bytes(Vec<u8>),
    /// The bytes, and then nothing, with the connection kept open.
    AndSilence(Vec<u8>),
    /// The bytes one by one, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// The first bytes, then the second so often.
    Repeat(Vec<u8>, Vec<u8>, usize),
    /// The first bytes, after a pause the second, and so on for as long as the connection is used.
    Late(Vec<u8>, Duration, Vec<u8>),
}

impl Answer {
    /// Status 200 with a body of JSON, or what is called so.
    #[must_use]
    pub fn json(body: impl AsRef<[u8]>) -> Answer {
        Answer::of("200 OK", "Content-Type: application/json\r\n", body)
    }

    /// A status, headers (each with its line end) and a body, whose length is said.
    #[must_use]
    pub fn of(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let head = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        Answer::Bytes([head.as_bytes(), body].concat())
    }
}

/// Listens until the process ends; returns its URL.
#[must_use]
pub fn serve(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || {
                // A client that hangs up early is no news.
                let _ = reply(stream, &answer);
            });
        }
    });
    url
}

fn reply(mut stream: TcpStream, answer: &Answer) -> std::io::Result<()> {
    read_request(&mut stream)?;
    match answer {
        Answer::Late(first, pause, second) => loop {
            stream.write_all(first)?;
            thread::sleep(*pause);
            stream.write_all(second)?;
            read_request(&mut stream)?;
        },
        Answer::Bytes(bytes) => stream.write_all(bytes)?,
        Answer::AndSilence(bytes) => {
            stream.write_all(bytes)?;
            // Until the client has had enough.
            while stream.read(&mut [0; 1024])? > 0 {}
        }
        Answer::Drip(bytes, pause) => {
            for byte in bytes {
                thread::sleep(*pause);
                stream.write_all(&[*byte])?;
            }
        }
        Answer::Repeat(first, then, times) => {
            stream.write_all(first)?;
            for _ in 0..*times {
                stream.write_all(then)?;
            }
        }
    }
    stream.shutdown(Shutdown::Write)?;
    // Until the client has closed its end, so that nothing of the answer is lost to a reset.
    let _ = stream.read(&mut [0; 1024])?;
    Ok(())
}

/// Reads a request to its end: the head, and as much as it says.
fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer)?;
        request.extend_from_slice(&buffer[..read]);
        let head = request.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(head) = head {
            let length = String::from_utf8_lossy(&request[..head])
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            if request.len() >= head + 4 + length.unwrap_or(0) {
                return Ok(());
            }
        }
        if read == 0 {
            return Ok(());
        }
    }
}
