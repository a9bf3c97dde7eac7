FROM localhost/busybox
ENTRYPOINT ["e"]
CMD ["c"]
