FROM localhost/busybox
ONBUILD RUN <<EOF
echo 1 > /x
echo 2 >> /x
EOF
