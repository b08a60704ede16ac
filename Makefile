# make demo    a whole library on this machine: hub, station, simulated pad
# make test    every test, with real brokers, ports and windows
# make check   the quick part: format, vet, lint, unit tests, layout
# make bench   the figures, each a ratio to a bare baseline
# make faults  what must survive networks, machines, brokers and hubs that fail
# make deb     Debian packages of kiosk and hub, in build/deb
# make gallery every screen in every language, as pictures
# make help    this list

SHELL  := bash -eu -o pipefail
BUILD  := build
TOOLS  := $(BUILD)/tools
TAGS   := -tags gles
GO     := go
CMDS   := $(filter-out ./cmd/gallery,$(patsubst %/main.go,./%,$(wildcard cmd/*/main.go)))
LINT   := v2.15.0
VULN   := v1.8.0
NFPM   := v2.43.4
CDX    := v1.10.0
OIDC   := v3.52.0
FUZZ   ?= 1000x
FAULTS_TIME ?= 12m

.PHONY: help demo test check vet lint vulns unit fuzz bench faults gallery build setup deb deb-test deb-reproducible clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

# What a bare Debian 12 lacks. apt is asked only when something is missing, so
# that a second run needs neither root nor a network.
setup:
	@packaging/setup

build: setup
	@mkdir -p $(BUILD)/bin
	CGO_ENABLED=0 $(GO) build -o $(BUILD)/bin/ $(filter-out ./cmd/kiosk,$(CMDS))
	$(GO) build $(TAGS) -o $(BUILD)/bin/ $(filter ./cmd/kiosk,$(CMDS))

demo: build
	$(BUILD)/bin/demo --bin $(BUILD)/bin --out $(BUILD)/demo $(if $(DEMO_KEEP),--keep)

test: setup vet lint vulns build $(TOOLS)/oidc-provider-$(OIDC) $(BUILD)/pages-test/node_modules
	REAL=1 $(GO) test -race -timeout 20m $(TAGS) ./...
	$(MAKE) fuzz

check: vet lint
	$(GO) test -short $(TAGS) ./...

unit:
	$(GO) test -short $(TAGS) ./...

vet:
	@unformatted=$$(gofmt -l cmd kiosk rfid sync assets); \
	if [ -n "$$unformatted" ]; then echo "gofmt these: $$unformatted"; exit 1; fi
	$(GO) vet $(TAGS) ./...
	CGO_ENABLED=0 $(GO) vet ./sync/...

lint: $(TOOLS)/golangci-lint-$(LINT)
	$< run ./...

# A vulnerability in what we call fails the build. The list itself lives on a
# host that a closed network may not reach; that, and only that, is forgiven.
vulns: $(TOOLS)/govulncheck-$(VULN)
	@packaging/vulns $<

$(TOOLS)/golangci-lint-%:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$*
	mv $(TOOLS)/golangci-lint $@

$(TOOLS)/govulncheck-%:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install golang.org/x/vuln/cmd/govulncheck@$*
	mv $(TOOLS)/govulncheck $@

# A real OpenID Connect provider for the hub's pages to sign in at.
$(TOOLS)/oidc-provider-%:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install github.com/zitadel/oidc/v3/example/server@$*
	mv $(TOOLS)/server $@

$(TOOLS)/nfpm-%:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install github.com/goreleaser/nfpm/v2/cmd/nfpm@$*
	mv $(TOOLS)/nfpm $@

$(TOOLS)/cyclonedx-gomod-%:
	GOBIN=$(CURDIR)/$(TOOLS) $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$*
	mv $(TOOLS)/cyclonedx-gomod $@

# What drives the browser that looks at the hub's pages.
$(BUILD)/pages-test/node_modules: packaging/pages-test/package-lock.json
	@mkdir -p $(@D)
	cp packaging/pages-test/package.json packaging/pages-test/package-lock.json $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund
	@touch $@

PACKERS := $(TOOLS)/nfpm-$(NFPM) $(TOOLS)/cyclonedx-gomod-$(CDX)

deb: setup $(PACKERS)
	packaging/deb/build $(BUILD)/deb $(PACKERS)

# Both by hand: the first wants root and a mirror, the second a quarter of an hour.
deb-test: deb
	packaging/test-deb $(BUILD)/deb

deb-reproducible: deb
	packaging/test-reproducible $(BUILD)/deb $(PACKERS)

# Every fuzz target of the tree for a short while; FUZZ=10m for a long one.
fuzz:
	@packaging/fuzz $(FUZZ)

bench: build
	@packaging/bench

# Round after round until the time is over; FAULTS_TIME=8h for a night.
faults:
	@packaging/faults $(FAULTS_TIME)

gallery:
	$(GO) run $(TAGS) ./cmd/gallery --out $(BUILD)/gallery

clean:
	rm -rf $(BUILD)
