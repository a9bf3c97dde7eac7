FROM localhost/busybox
ONBUILD COPY --from=tools /t /t
