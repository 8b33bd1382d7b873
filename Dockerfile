# A static binary and nothing else. Build: docker build -t resetbot .
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /resetbot ./cmd/resetbot \
 && mkdir /data && chown 65532:65532 /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /resetbot /resetbot
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
ENV HOME=/data
ENTRYPOINT ["/resetbot"]
