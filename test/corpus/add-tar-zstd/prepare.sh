mkdir t && printf f > t/f && chmod 640 t/f && ln -s f t/l && mkdir t/d && printf x > t/d/x && tar --owner=3:3 --group=4:4 --sort=name -C t -c --zstd -f a.tar.zst . && rm -r t
