mkdir -p d && printf f > f && chmod 640 f && printf x > d/x && tar --owner=3:3 --group=4:4 -cf a.tar f d
