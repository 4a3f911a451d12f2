//! The service manager's side of `Type=notify`: datagrams to the socket that `NOTIFY_SOCKET` names. See sd_notify(3).

use std::ffi::OsString;
use std::io;
use std::time::Duration;

/// Longest status text in bytes; systemd shows one line of it.
const MAX_STATUS: usize = 256;

/// Why the service manager's request cannot be met.
#[derive(Debug, thiserror::Error)]
#[error("WATCHDOG_USEC is {text:?}, which is no number of microseconds; remove it or let systemd set it")]
pub struct WatchdogError {
    text: String,
}

/// The service manager that started this process, if it wants to hear of it.
#[derive(Debug)]
pub struct ServiceManager {
    socket: Option<OsString>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// As `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say. `variable` looks up an environment variable; `pid` is this
    /// process.
    ///
    /// # Errors
    /// If `WATCHDOG_USEC` is not a number.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<OsString>,
        pid: u32,
    ) -> Result<Self, WatchdogError> {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let is_meant = text("WATCHDOG_PID").is_none_or(|wanted| wanted == pid.to_string());
        let watchdog = match text("WATCHDOG_USEC").filter(|_| is_meant) {
            Some(text) => Some(text.parse().map(Duration::from_micros).map_err(|_| WatchdogError { text })?),
            None => None,
        };
        let socket = variable("NOTIFY_SOCKET").filter(|socket| !socket.is_empty());
        Ok(Self { socket, watchdog: watchdog.filter(|watchdog| !watchdog.is_zero()) })
    }

    /// How often the service manager wants a sign of life: twice in the time after which it takes the process for hung, as
    /// sd_watchdog_enabled(3) advises.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.socket.is_some()).map(|watchdog| watchdog / 2)
    }

    /// The service works.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The service is about to end.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// A sign of life.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// What `systemctl status` shows.
    pub fn status(&self, text: &str) {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let end = line.floor_char_boundary(MAX_STATUS);
        self.tell(&format!("STATUS={}", line.get(..end).unwrap_or_default()));
    }

    /// A service manager that does not listen is no reason to stop working.
    fn tell(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = send(socket, message.as_bytes()) {
            tracing::warn!(%error, "the service manager cannot be told {message}");
        }
    }
}

#[cfg(unix)]
fn send(socket: &OsString, message: &[u8]) -> io::Result<()> {
    use std::os::unix::net::UnixDatagram;
    let datagram = UnixDatagram::unbound()?;
    // A full socket must not hold up the engine.
    datagram.set_nonblocking(true)?;
    datagram.send_to_addr(message, &address(socket)?).map(drop)
}

/// A path, or with `@` in front a name in Linux's abstract namespace.
#[cfg(unix)]
fn address(socket: &OsString) -> io::Result<std::os::unix::net::SocketAddr> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::SocketAddr;
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.as_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(socket.as_bytes()))
}

#[cfg(not(unix))]
fn send(_: &OsString, _: &[u8]) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<ServiceManager, WatchdogError> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        ServiceManager::from_environment(find, 7)
    }

    #[test]
    fn the_watchdog_is_asked_for_by_whoever_listens() {
        let interval = |variables: &[_]| of(variables).unwrap().watchdog_interval();
        let socket = ("NOTIFY_SOCKET", "/run/x");
        assert_eq!(interval(&[]), None);
        assert_eq!(interval(&[("WATCHDOG_USEC", "2000000")]), None);
        assert_eq!(interval(&[socket, ("WATCHDOG_USEC", "2000000")]), Some(Duration::from_secs(1)));
        assert_eq!(interval(&[socket, ("WATCHDOG_USEC", "0")]), None);
        assert_eq!(interval(&[socket, ("WATCHDOG_USEC", "2"), ("WATCHDOG_PID", "8")]), None);
        assert_eq!(
            interval(&[socket, ("WATCHDOG_USEC", "2"), ("WATCHDOG_PID", "7")]),
            Some(Duration::from_micros(1))
        );
        let error = of(&[socket, ("WATCHDOG_USEC", "2s")]).unwrap_err();
        assert!(error.to_string().starts_with("WATCHDOG_USEC is \"2s\""), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn abstract_sockets_are_told_as_well() {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let name = format!("longshore-test-{}", std::process::id());
        let listener = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let manager = of(&[("NOTIFY_SOCKET", &format!("@{name}"))]).unwrap();
        manager.ready();
        manager.status("one\ntwo");
        let mut bytes = [0; 64];
        let mut next = || {
            let length = listener.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..length].to_vec()).unwrap()
        };
        assert_eq!((next(), next()), ("READY=1".into(), "STATUS=one two".into()));
    }
}
