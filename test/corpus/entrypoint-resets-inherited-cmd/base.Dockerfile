FROM localhost/busybox
CMD ["c"]
