"""Building and starting the image for real: with docker where its base can be had, else on a base of Debian's packages.

Without a registry the base is replaced: Debian 12 with its Python, made by debootstrap, under which buildah and podman run the very
Dockerfile. Needs root, and installs what it misses with apt-get.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.copier_cli import ROOT

PACKAGES = {"buildah": "buildah", "podman": "podman", "runc": "runc", "debootstrap": "debootstrap"}
CACHE = ROOT / "build/base"
STAND_IN = "localhost/base:debian-12"
INCLUDED = "python3,python3-pip,python3-venv,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Debian's podman on a machine without systemd and without the right to raise limits.
RUNTIME = "--no-healthcheck --ulimit=nofile=4096:4096 --ulimit=nproc=4096:4096"


@dataclass
class Builder:
    """What `make image` and `make image-try` need to be told."""

    image: str
    base: str
    build: dict[str, str] = field(default_factory=dict)
    run: dict[str, str] = field(default_factory=dict)


def builder() -> Builder:
    """Give docker and the named base, or what stands in for both."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        return Builder("agent:tried", "as named")
    _install(*(package for program, package in PACKAGES.items() if shutil.which(program) is None))
    storage = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
    _make_base(storage)
    engine = CACHE / "podman"
    engine.write_text('#!/bin/sh\nexec podman --runtime runc --cgroup-manager cgroupfs "$@"\n')
    engine.chmod(0o755)
    options = f"--from={STAND_IN} --pull-never"
    return Builder(
        "localhost/agent:tried",
        "Debian 12",
        build={**storage, "ENGINE": "buildah", "BUILD_OPTIONS": options},
        run={**storage, "ENGINE": str(engine), "RUNTIME_OPTIONS": RUNTIME},
    )


def _install(*packages: str) -> None:
    if packages:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        command = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _make_base(storage: dict[str, str]) -> None:
    environment = {**os.environ, **storage}
    if (
        subprocess.run(["buildah", "inspect", STAND_IN], env=environment, capture_output=True, check=False).returncode
        == 0
    ):
        CACHE.mkdir(parents=True, exist_ok=True)
        return
    root = CACHE / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={INCLUDED}", "bookworm", root], check=True)
    # As the base that the Dockerfile names: `python`, a pip of its own that can be removed, and this machine's authorities.
    shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    script = (
        "ln -sf /usr/bin/python3 /usr/local/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && "
        "PIP_CERT=" + str(CERTIFICATES) + " python -m pip install -q --ignore-installed --prefix /opt/pip pip && "
        "apt-get purge -y -qq python3-pip && cp -a /opt/pip/local/. /usr/local/ && rm -rf /opt/pip /var/cache/apt"
    )
    subprocess.run(["chroot", root, "sh", "-c", script], check=True, stdout=subprocess.DEVNULL)
    archive = CACHE / "root.tar"
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)

    def buildah(*arguments: str) -> str:
        done = subprocess.run(["buildah", *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(archive), "/")
    trust = [f"--env={name}={CERTIFICATES}" for name in ("SSL_CERT_FILE", "PIP_CERT")]
    buildah("config", "--env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *trust, container)
    buildah("commit", "--quiet", container, STAND_IN)
    buildah("rm", container)
    shutil.rmtree(root)
    archive.unlink()
